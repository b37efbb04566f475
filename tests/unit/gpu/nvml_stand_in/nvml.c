/* A stand-in for libnvidia-ml.so.1: the functions of NVML that the GPU exporter calls, answering from a text file.
 *
 * The file is named by NVML_STAND_IN and read anew at every call, so that a test can change what "the driver" says
 * while the exporter runs. Its lines are `<subject> <function> [argument] = <answer>`:
 *   gpu0 nvmlDeviceGetPowerUsage = 77710      numbers or text; a missing line means "not supported"
 *   gpu0 nvmlDeviceGetClockInfo 1 = 345
 *   gpu0 field 74 = ull 5000                  type and value; `field 138:4294967295` with a scope
 *   gpu0 * = error 15                         every call about the card fails with this NVML code
 *   system nvmlInitWithFlags = error 18
 *   gpu0 nvmlDeviceGetPowerUsage = hang       does not return until the line is changed
 *   system events = gpu0:79 gpu1:31           XID events, delivered once each, in order
 * With -DOLD_DRIVER the functions that older drivers lack are missing.
 *
 * Layouts of the structures follow pynvml's ctypes definitions (nvidia-ml-py 13.615); the sizes are asserted below.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SUCCESS = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6,
       INSUFFICIENT_SIZE = 7, DRIVER_NOT_LOADED = 9, TIMEOUT = 10 };
enum { CARDS = 16, SLICES = 8, LINE = 4096, XID = 8, POLL_MICROSECONDS = 10000 };

typedef struct { char name[32]; int registered; } Device;
typedef struct { unsigned long long total, free, used; } MemoryV1;
typedef struct { unsigned version; unsigned long long total, reserved, free, used; } MemoryV2;
typedef struct { unsigned gpu, memory; } Utilization;
typedef struct { char legacy[16]; unsigned domain, bus, device, id, subsystem; char busId[32]; } Pci;
typedef struct { unsigned version, sensor; int celsius; } Temperature;
typedef struct { unsigned version; int celsius; } Margin;
typedef struct { unsigned long long referenceTime, violationTime; } Violation;
typedef union { double d; unsigned ui; unsigned long ul; unsigned long long ull; long long sll; int si;
                unsigned short us; } Value;
typedef struct { unsigned field, scope; long long timestamp, latency; unsigned type, result; Value value; } Field;
typedef struct { Device *device; unsigned long long type, data; unsigned gpuInstance, computeInstance; } Event;
typedef struct { unsigned pid; unsigned long long memory; unsigned gpuInstance, computeInstance; } Process;
_Static_assert(sizeof(MemoryV2) == 40 && sizeof(Pci) == 68 && sizeof(Field) == 40, "layout");
_Static_assert(sizeof(Event) == 32 && sizeof(Process) == 24 && sizeof(Temperature) == 12, "layout");

static Device cards[CARDS], slices[CARDS][SLICES];
static int started, event_set, delivered;
static char scenario[LINE];

/* Find the answer to `key` in the scenario; 0 if it has no such line. */
static int find(const char *key, char *answer) {
    const char *path = getenv("NVML_STAND_IN");
    FILE *file = path ? fopen(path, "r") : NULL;
    char line[LINE];
    int found = 0;
    while (file && !found && fgets(line, sizeof line, file)) {
        char *split = strstr(line, " = ");
        if (!split) continue;
        *split = 0;
        if (strcmp(line, key)) continue;
        snprintf(answer, LINE, "%s", split + 3);
        answer[strcspn(answer, "\n")] = 0;
        found = 1;
    }
    if (file) fclose(file);
    return found;
}

/* Return the code of one line and copy its answer; wait while it says `hang`. */
static int look_up(const char *subject, const char *what, char *answer) {
    char key[LINE];
    snprintf(key, sizeof key, "%s %s", subject, what);
    for (;;) {
        if (!find(key, answer)) return NOT_SUPPORTED;
        if (strcmp(answer, "hang")) break;
        usleep(POLL_MICROSECONDS);
    }
    return strncmp(answer, "error ", 6) ? SUCCESS : atoi(answer + 6);
}

/* The same for a call about a card: NVML must be started, the driver and the card be there. */
static int ask(Device *device, const char *what, char *answer) {
    int code;
    if (!started) return UNINITIALIZED;
    if ((code = look_up("system", "*", answer)) != NOT_SUPPORTED) return code;
    if (!device) return INVALID_ARGUMENT;
    if ((code = look_up(device->name, "*", answer)) != NOT_SUPPORTED) return code;
    return look_up(device->name, what, answer);
}

static int ask_with(Device *device, const char *what, unsigned argument, char *answer) {
    char key[128];
    snprintf(key, sizeof key, "%s %u", what, argument);
    return ask(device, key, answer);
}

static int text(int code, const char *answer, char *out, unsigned size) {
    if (code == SUCCESS) snprintf(out, size, "%s", answer);
    return code;
}

static int numbers(int code, const char *answer, unsigned *first, unsigned *second) {
    if (code != SUCCESS) return code;
    char *rest;
    *first = (unsigned)strtoul(answer, &rest, 10);
    if (second) *second = (unsigned)strtoul(rest, NULL, 10);
    return code;
}

#define TEXT(name) int name(Device *d, char *out, unsigned size) { \
    char a[LINE]; return text(ask(d, #name, a), a, out, size); }
#define NUMBER(name) int name(Device *d, unsigned *out) { \
    char a[LINE]; return numbers(ask(d, #name, a), a, out, NULL); }
#define NUMBER_OF(name) int name(Device *d, unsigned which, unsigned *out) { \
    char a[LINE]; return numbers(ask_with(d, #name, which, a), a, out, NULL); }
#define TWO_NUMBERS(name) int name(Device *d, unsigned *one, unsigned *two) { \
    char a[LINE]; return numbers(ask(d, #name, a), a, one, two); }
#define MASK(name) int name(Device *d, unsigned long long *out) { \
    char a[LINE]; int code = ask(d, #name, a); if (code == SUCCESS) *out = strtoull(a, NULL, 0); return code; }
#define SYSTEM_TEXT(name) int name(char *out, unsigned size) { \
    char a[LINE]; return text(look_up("system", #name, a), a, out, size); }

SYSTEM_TEXT(nvmlSystemGetDriverVersion)
SYSTEM_TEXT(nvmlSystemGetNVMLVersion)
TEXT(nvmlDeviceGetName)
TEXT(nvmlDeviceGetSerial)
TEXT(nvmlDeviceGetVbiosVersion)
NUMBER(nvmlDeviceGetPowerUsage)
NUMBER(nvmlDeviceGetPowerManagementLimit)
NUMBER(nvmlDeviceGetPowerManagementDefaultLimit)
NUMBER(nvmlDeviceGetEnforcedPowerLimit)
NUMBER(nvmlDeviceGetPerformanceState)
NUMBER(nvmlDeviceGetCurrPcieLinkGeneration)
NUMBER(nvmlDeviceGetMaxPcieLinkGeneration)
NUMBER(nvmlDeviceGetCurrPcieLinkWidth)
NUMBER(nvmlDeviceGetMaxPcieLinkWidth)
NUMBER(nvmlDeviceGetNumFans)
NUMBER(nvmlDeviceGetMaxMigDeviceCount)
NUMBER(nvmlDeviceGetGpuInstanceId)
NUMBER(nvmlDeviceGetComputeInstanceId)
NUMBER_OF(nvmlDeviceGetClockInfo)
NUMBER_OF(nvmlDeviceGetMaxClockInfo)
NUMBER_OF(nvmlDeviceGetTemperature)
NUMBER_OF(nvmlDeviceGetTemperatureThreshold)
NUMBER_OF(nvmlDeviceGetFanSpeed_v2)
NUMBER_OF(nvmlDeviceGetNvLinkState)
NUMBER_OF(nvmlDeviceGetPcieThroughput)
TWO_NUMBERS(nvmlDeviceGetEncoderUtilization)
TWO_NUMBERS(nvmlDeviceGetDecoderUtilization)
TWO_NUMBERS(nvmlDeviceGetJpgUtilization)
TWO_NUMBERS(nvmlDeviceGetOfaUtilization)
TWO_NUMBERS(nvmlDeviceGetPowerManagementLimitConstraints)
TWO_NUMBERS(nvmlDeviceGetMigMode)
TWO_NUMBERS(nvmlDeviceGetCudaComputeCapability)
MASK(nvmlDeviceGetCurrentClocksThrottleReasons)
MASK(nvmlDeviceGetSupportedEventTypes)
#ifndef OLD_DRIVER
MASK(nvmlDeviceGetCurrentClocksEventReasons)
#endif

int nvmlInitWithFlags(unsigned flags) {
    char answer[LINE];
    (void)flags;
    int code = look_up("system", "nvmlInitWithFlags", answer);
    if (code == NOT_SUPPORTED) code = look_up("system", "*", answer) == NOT_SUPPORTED ? SUCCESS : DRIVER_NOT_LOADED;
    if (code != SUCCESS) return code;
    started = 1;
    for (int i = 0; i < CARDS; i++) {
        snprintf(cards[i].name, sizeof cards[i].name, "gpu%d", i);
        for (int j = 0; j < SLICES; j++)
            snprintf(slices[i][j].name, sizeof slices[i][j].name, "gpu%d.mig%d", i, j);
    }
    return SUCCESS;
}

int nvmlShutdown(void) {
    if (!started) return UNINITIALIZED;
    started = 0;
    return SUCCESS;
}

const char *nvmlErrorString(int code) {
    (void)code;
    return "an error of the stand-in";
}

int nvmlSystemGetCudaDriverVersion(int *version) {
    char answer[LINE];
    int code = look_up("system", "nvmlSystemGetCudaDriverVersion", answer);
    if (code == SUCCESS) *version = atoi(answer);
    return code;
}

int nvmlDeviceGetCount_v2(unsigned *count) {
    char answer[LINE];
    int code;
    if (!started) return UNINITIALIZED;
    if ((code = look_up("system", "*", answer)) != NOT_SUPPORTED) return code;
    return numbers(look_up("system", "nvmlDeviceGetCount_v2", answer), answer, count, NULL);
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, Device **device) {
    char answer[LINE];
    if (!started) return UNINITIALIZED;
    if (index >= CARDS) return INVALID_ARGUMENT;
    int code = look_up(cards[index].name, "nvmlDeviceGetHandleByIndex_v2", answer);
    if (code == NOT_SUPPORTED) code = SUCCESS;
    *device = &cards[index];
    return code;
}

int nvmlDeviceGetUUID(Device *device, char *out, unsigned size) {
    char answer[LINE];
    return text(ask(device, "nvmlDeviceGetUUID", answer), answer, out, size);
}

int nvmlDeviceGetMigDeviceHandleByIndex(Device *device, unsigned index, Device **slice) {
    char answer[LINE];
    if (device < cards || device >= cards + CARDS || index >= SLICES) return INVALID_ARGUMENT;
    *slice = &slices[device - cards][index];
    return ask(*slice, "nvmlDeviceGetUUID", answer) == SUCCESS ? SUCCESS : NOT_FOUND;
}

int nvmlDeviceGetPciInfo_v3(Device *device, Pci *pci) {
    char answer[LINE];
    return text(ask(device, "nvmlDeviceGetPciInfo_v3", answer), answer, pci->busId, sizeof pci->busId);
}

int nvmlDeviceGetUtilizationRates(Device *device, Utilization *out) {
    char answer[LINE];
    return numbers(ask(device, "nvmlDeviceGetUtilizationRates", answer), answer, &out->gpu, &out->memory);
}

int nvmlDeviceGetMemoryInfo(Device *device, MemoryV1 *out) {
    char answer[LINE];
    int code = ask(device, "nvmlDeviceGetMemoryInfo", answer);
    if (code == SUCCESS) sscanf(answer, "%llu %llu %llu", &out->total, &out->free, &out->used);
    return code;
}

int nvmlDeviceGetBAR1MemoryInfo(Device *device, MemoryV1 *out) {
    char answer[LINE];
    int code = ask(device, "nvmlDeviceGetBAR1MemoryInfo", answer);
    if (code == SUCCESS) sscanf(answer, "%llu %llu %llu", &out->total, &out->free, &out->used);
    return code;
}

#ifndef OLD_DRIVER
int nvmlDeviceGetMemoryInfo_v2(Device *device, MemoryV2 *out) {
    char answer[LINE];
    if (out->version != (2u << 24 | sizeof *out)) return INVALID_ARGUMENT;
    int code = ask(device, "nvmlDeviceGetMemoryInfo_v2", answer);
    if (code == SUCCESS)
        sscanf(answer, "%llu %llu %llu %llu", &out->total, &out->reserved, &out->free, &out->used);
    return code;
}

int nvmlDeviceGetTemperatureV(Device *device, Temperature *out) {
    char answer[LINE];
    int code = ask_with(device, "nvmlDeviceGetTemperatureV", out->sensor, answer);
    if (code == SUCCESS) out->celsius = atoi(answer);
    return code;
}

int nvmlDeviceGetMarginTemperature(Device *device, Margin *out) {
    char answer[LINE];
    int code = ask(device, "nvmlDeviceGetMarginTemperature", answer);
    if (code == SUCCESS) out->celsius = atoi(answer);
    return code;
}
#endif

int nvmlDeviceGetViolationStatus(Device *device, unsigned policy, Violation *out) {
    char answer[LINE];
    int code = ask_with(device, "nvmlDeviceGetViolationStatus", policy, answer);
    if (code == SUCCESS) sscanf(answer, "%llu %llu", &out->referenceTime, &out->violationTime);
    return code;
}

static void read_field(const char *answer, Field *field) {
    static const char *types[] = {"double", "uint", "ulong", "ull", "sll", "int", "ushort"};
    char type[16], value[64];
    field->result = SUCCESS;
    field->type = 99; /* one that pynvml does not know either */
    if (sscanf(answer, "%15s %63s", type, value) != 2) return;
    for (unsigned i = 0; i < sizeof types / sizeof *types; i++)
        if (!strcmp(type, types[i])) field->type = i;
    switch (field->type) {
        case 0: field->value.d = strtod(value, NULL); break;
        case 1: field->value.ui = (unsigned)strtoul(value, NULL, 10); break;
        case 5: field->value.si = atoi(value); break;
        case 6: field->value.us = (unsigned short)atoi(value); break;
        default: field->value.ull = strtoull(value, NULL, 10);
    }
}

int nvmlDeviceGetFieldValues(Device *device, int count, Field *fields) {
    char answer[LINE], key[64];
    int code = ask(device, "nvmlDeviceGetFieldValues", answer);
    if (code != NOT_SUPPORTED) return code;
    for (int i = 0; i < count; i++) {
        if (fields[i].scope) snprintf(key, sizeof key, "field %u:%u", fields[i].field, fields[i].scope);
        else snprintf(key, sizeof key, "field %u", fields[i].field);
        fields[i].result = (unsigned)ask(device, key, answer);
        if (fields[i].result == SUCCESS) read_field(answer, &fields[i]);
    }
    return SUCCESS;
}

/* `<pid>:<bytes> ...`; bytes of -1 mean "not available". */
static int processes(int code, char *answer, unsigned *count, Process *out) {
    unsigned found = 0;
    if (code != SUCCESS) return code;
    for (char *word = strtok(answer, " "); word; word = strtok(NULL, " "), found++) {
        if (!out || found >= *count) continue;
        char *colon = strchr(word, ':');
        out[found].pid = (unsigned)strtoul(word, NULL, 10);
        out[found].memory = colon ? strtoull(colon + 1, NULL, 10) : 0;
    }
    int fits = out ? found <= *count : found == 0;
    *count = found;
    return fits ? SUCCESS : INSUFFICIENT_SIZE;
}

#define PROCESSES(name) int name(Device *d, unsigned *count, Process *out) { \
    char a[LINE]; return processes(ask(d, #name, a), a, count, out); }
PROCESSES(nvmlDeviceGetComputeRunningProcesses_v2)
PROCESSES(nvmlDeviceGetGraphicsRunningProcesses_v2)
#ifndef OLD_DRIVER
PROCESSES(nvmlDeviceGetComputeRunningProcesses_v3)
PROCESSES(nvmlDeviceGetGraphicsRunningProcesses_v3)
#endif

int nvmlEventSetCreate(void **set) {
    if (!started) return UNINITIALIZED;
    for (int i = 0; i < CARDS; i++) cards[i].registered = 0;
    *set = &event_set;
    return SUCCESS;
}

int nvmlEventSetFree(void *set) {
    (void)set;
    return started ? SUCCESS : UNINITIALIZED;
}

int nvmlDeviceRegisterEvents(Device *device, unsigned long long types, void *set) {
    char answer[LINE];
    unsigned long long supported;
    int code = ask(device, "nvmlDeviceGetSupportedEventTypes", answer);
    (void)set;
    if (code != SUCCESS) return code;
    supported = strtoull(answer, NULL, 0);
    if ((types & supported) != types) return NOT_SUPPORTED;
    device->registered = 1;
    return SUCCESS;
}

/* Deliver the next event of the scenario to a registered card; events of other cards are lost, as in the driver. */
static int next_event(Event *event) {
    char answer[LINE];
    unsigned index;
    unsigned long long xid;
    int number = 0;
    if (look_up("system", "events", answer) != SUCCESS) return 0;
    if (strcmp(scenario, getenv("NVML_STAND_IN"))) delivered = 0; /* the next test */
    snprintf(scenario, sizeof scenario, "%s", getenv("NVML_STAND_IN"));
    for (char *word = strtok(answer, " "); word; word = strtok(NULL, " "), number++) {
        if (number < delivered || sscanf(word, "gpu%u:%llu", &index, &xid) != 2 || index >= CARDS) continue;
        delivered = number + 1;
        if (!cards[index].registered) continue;
        *event = (Event){.device = &cards[index], .type = XID, .data = xid};
        return 1;
    }
    return 0;
}

int nvmlEventSetWait_v2(void *set, Event *event, unsigned milliseconds) {
    char answer[LINE];
    (void)set;
    for (unsigned waited = 0;; waited += POLL_MICROSECONDS / 1000) {
        if (!started) return UNINITIALIZED;
        int code = look_up("system", "nvmlEventSetWait_v2", answer);
        if (code != NOT_SUPPORTED) return code;
        if (next_event(event)) return SUCCESS;
        if (waited >= milliseconds) return TIMEOUT;
        usleep(POLL_MICROSECONDS);
    }
}
