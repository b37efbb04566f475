"""The cards: are they well, how full and how hot are they, and what holds them back?"""

from __future__ import annotations

from ..board import TARGETS, Board, Variable, job_and_instance, logs_of, row
from ..panel import (
    BYTES,
    BYTES_PER_SECOND,
    CELSIUS,
    COUNT,
    EVENTS_PER_SECOND,
    HERTZ,
    NONE,
    RATIO,
    WATTS,
    YES_NO,
    Column,
    Limits,
    State,
    bars,
    query,
    stat,
    states,
    table,
    timeseries,
)

SERVER = TARGETS
CHOSEN = f'{SERVER}, uuid=~"$gpu"'
CARD = f" * on (job, instance, uuid) group_left (index, name) gpu_info{{{CHOSEN}}}"
"""Adds the name of the card, and its number on its machine."""
LEGEND = "{{instance}} {{index}} {{name}}"
VRAM = Limits(warning="gpu_memory_ratio_warning", critical="gpu_memory_ratio_critical")
MARGIN = Limits(warning="gpu_slowdown_margin_celsius", below=True)
HELD_BACK = 'reason=~"hw_thermal|sw_thermal|hw_power_brake|hw_slowdown"'
"""Not idling, and not the card's own power limit: those are normal."""
FATAL = 'xid=~"48|61|62|64|74|79|95|119|120|140"'
"""As in the rule of GpuXidFatal."""
NONE_SEEN = f"or on () 0 * sum(gpu_devices{{{SERVER}}})"
"""A code that nobody has seen yet, and a card without ECC, have no counter."""
FULL = f"""(gpu_vram_utilization_ratio{{{CHOSEN}}}
or gpu_mig_memory_used_bytes{{{CHOSEN}}} / (gpu_mig_memory_total_bytes{{{CHOSEN}}} > 0))"""

BOARD = Board(
    name="gpu",
    folder="Infrastructure",
    title="GPU",
    about="Load, memory, heat, power and faults of NVIDIA cards, as the driver tells the GPU exporter.",
    components=("gpu",),
    restarts=f"process_start_time_seconds{{{SERVER}}}",
    variables=(
        *job_and_instance("gpu_devices"),
        Variable("gpu", "Card", 'gpu_device_up{job=~"$job", instance=~"$instance"}', label="uuid"),
    ),
    links=(
        ("AI models", "/d/vw-models"),
        ("Hosts", "/d/vw-host"),
        ("Containers", "/d/vw-containers"),
        logs_of("gpu-exporter"),
    ),
    rows=(
        row(
            "Are the cards well?",
            stat(
                "Cards lost",
                "That do not answer, or that the driver listed within the last hour and no longer does. They have fallen off "
                "the bus: their machine must be restarted.",
                COUNT,
                query(
                    f"""(sum(1 - gpu_device_up{{{CHOSEN}}}) {NONE_SEEN})
                    + sum(max_over_time(gpu_devices{{{SERVER}}}[1h]) - gpu_devices{{{SERVER}}})""",
                    "lost",
                ),
                width=3,
                any_is_bad=True,
                alerts=("GpuLost", "GpuUnreadable"),
            ),
            stat(
                "Fullest memory",
                "Of the cards and their MIG instances. Nearly full: the next model or larger batch fails.",
                RATIO,
                query(f"max({FULL})", "fullest"),
                width=3,
                limits=VRAM,
            ),
            stat(
                "Degrees to slowdown",
                "Left until the hottest card is slowed down by its hardware. Look at fans and the air around it.",
                CELSIUS,
                query(f"min(gpu_temperature_slowdown_margin_celsius{{{CHOSEN}}})", "hottest"),
                width=3,
                limits=MARGIN,
            ),
            stat(
                "Degrees to shutdown",
                "Left until the hottest card switches itself off.",
                CELSIUS,
                query(f"min(gpu_temperature_shutdown_margin_celsius{{{CHOSEN}}})", "hottest"),
                width=3,
                limits=Limits(critical="gpu_shutdown_margin_celsius", below=True),
            ),
            stat(
                "Held back",
                "Share of ten minutes in which heat or the power supply slowed the worst card down.",
                RATIO,
                query(f"max(avg_over_time(gpu_clock_event_active{{{CHOSEN}, {HELD_BACK}}}[10m]))", "worst"),
                width=3,
                limits=Limits(warning="gpu_throttled_ratio"),
            ),
            stat(
                "Fatal errors",
                "In the chosen time, by the code (XID) that the driver gives. The card must be reset or returned.",
                COUNT,
                query(
                    f"sum(increase(gpu_xid_errors_total{{{CHOSEN}, {FATAL}}}[$__range])) {NONE_SEEN}",
                    "errors",
                ),
                width=3,
                any_is_bad=True,
                alerts=("GpuXidFatal",),
            ),
            stat(
                "Memory errors",
                "That could not be corrected, in the chosen time. What was computed with them is wrong.",
                COUNT,
                query(
                    f"""sum(increase(gpu_ecc_volatile_errors_total{{{CHOSEN}, error="uncorrected"}}[$__range]))
                    {NONE_SEEN}""",
                    "errors",
                ),
                width=3,
                any_is_bad=True,
                alerts=("GpuEccUncorrected",),
            ),
            stat(
                "Ask for recovery",
                "Cards for which the driver asks for a reset or a restart.",
                COUNT,
                query(f'sum(gpu_recovery_action{{{CHOSEN}, action!="none"}}) {NONE_SEEN}', "cards"),
                width=3,
                any_is_bad=True,
                alerts=("GpuRecoveryNeeded",),
            ),
        ),
        row(
            "Load and memory",
            timeseries(
                "GPU utilization",
                "Share of time in which something was computed, by card; MIG instances do not tell. Low while requests queue: "
                "the bottleneck is before the card.",
                RATIO,
                query(f"topk(16, gpu_utilization_ratio{{{CHOSEN}}}{CARD})", LEGEND),
                maximum=1,
                alerts=("GpuUnderused",),
            ),
            timeseries(
                "VRAM usage",
                "Share of memory in use, by card, and by MIG instance. It stays where a program keeps what it once took: see "
                "AI models for what the models need.",
                RATIO,
                query(f"topk(16, gpu_vram_utilization_ratio{{{CHOSEN}}}{CARD})", LEGEND),
                query(
                    f"""topk(16, gpu_mig_memory_used_bytes{{{CHOSEN}}}
                    / (gpu_mig_memory_total_bytes{{{CHOSEN}}} > 0))""",
                    "{{instance}} MIG {{gpu_instance_id}}",
                ),
                maximum=1,
                limits=VRAM,
            ),
            timeseries(
                "VRAM",
                "In use and free, all cards together. Free memory is in pieces: a model needs one card or a way to split.",
                BYTES,
                query(f"sum(gpu_memory_used_bytes{{{CHOSEN}}})", "in use"),
                query(f"sum(gpu_memory_free_bytes{{{CHOSEN}}})", "free"),
                query(f"sum(gpu_memory_reserved_bytes{{{CHOSEN}}})", "kept by the driver"),
                stacked=True,
            ),
            timeseries(
                "Memory bandwidth",
                "Share of time in which memory was read or written. High with a low utilization: a model that waits for its "
                "memory; smaller numbers (quantization) help.",
                RATIO,
                query(f"topk(16, gpu_memory_controller_utilization_ratio{{{CHOSEN}}}{CARD})", LEGEND),
                maximum=1,
            ),
            timeseries(
                "What holds clocks down",
                "Share of cards for which a reason holds. `gpu_idle` and `sw_power_cap` are normal; the thermal ones and "
                "`hw_power_brake` are not.",
                RATIO,
                query(
                    f"avg by (reason) (avg_over_time(gpu_clock_event_active{{{CHOSEN}}}[$__rate_interval]))",
                    "{{reason}}",
                ),
                alerts=("GpuThrottled",),
            ),
            bars(
                "Memory by program",
                "The processes that use most; none where the exporter's setting `processes` is off.",
                BYTES,
                query(
                    f"""topk(15, gpu_process_memory_used_bytes{{{CHOSEN}}}
                    or on (job, instance, uuid) label_replace(0 * gpu_device_up{{{CHOSEN}}}, "pid", "none", "", ""))""",
                    "{{instance}} {{uuid}} process {{pid}}",
                ),
            ),
        ),
        row(
            "Heat and power",
            timeseries(
                "Temperature",
                "Of the chip, the hottest cards. Judged by the card's own limits, see the margin; by a fixed one only where a "
                "card tells none.",
                CELSIUS,
                query(f"topk(16, gpu_temperature_celsius{{{CHOSEN}}}{CARD})", LEGEND),
                alerts=("GpuTemperatureHigh",),
            ),
            timeseries(
                "Margin to slowdown",
                "Degrees left until the hardware slows the card down. Near 0 it computes more slowly, and no error says so.",
                CELSIUS,
                query(f"bottomk(16, gpu_temperature_slowdown_margin_celsius{{{CHOSEN}}}{CARD})", LEGEND),
                minimum=None,
                limits=MARGIN,
            ),
            timeseries(
                "Memory temperature",
                "Of HBM; cards with GDDR do not tell. Beyond the limit the card slows down to protect it: look at the air around it.",
                CELSIUS,
                query(f"topk(16, gpu_memory_temperature_celsius{{{CHOSEN}}}{CARD})", LEGEND),
                limits=Limits(warning="gpu_memory_temperature_celsius"),
            ),
            timeseries(
                "Power",
                "Drawn by each card. Little while it is busy: it waits for its memory or for data, or is held back.",
                WATTS,
                query(f"topk(16, gpu_power_watts{{{CHOSEN}}}{CARD})", LEGEND),
            ),
            timeseries(
                "Power of the limit",
                "Mean of ten minutes. At the limit the card computes more slowly than it could; a higher one would make it "
                "faster.",
                RATIO,
                query(
                    f"""topk(16, avg_over_time(gpu_power_watts{{{CHOSEN}}}[10m])
                    / (gpu_power_enforced_limit_watts{{{CHOSEN}}} > 0){CARD})""",
                    LEGEND,
                ),
                limits=Limits(warning="gpu_power_ratio"),
            ),
            timeseries(
                "Clock of the processors",
                "Of the streaming multiprocessors. Lower under the same load: heat or power hold it down.",
                HERTZ,
                query(f'topk(16, gpu_clock_hertz{{{CHOSEN}, clock="sm"}}{CARD})', LEGEND),
            ),
        ),
        row(
            "Faults",
            timeseries(
                "Errors by code",
                "XID codes of the driver. 13, 31, 43 and 45 are almost always the program's own fault; NVIDIA's list explains "
                "the others. Nothing is seen on vGPU and WSL.",
                COUNT,
                query(
                    f"""sum by (xid) (increase(gpu_xid_errors_total{{{CHOSEN}}}[$__rate_interval]))
                    or on () label_replace(0 * sum(gpu_devices{{{SERVER}}}), "xid", "none", "", "")""",
                    "XID {{xid}}",
                ),
                alerts=("GpuXidError", "GpuXidApplication"),
            ),
            timeseries(
                "Corrected memory errors",
                "In an hour, by card. Many: memory wears out, and uncorrected ones follow.",
                COUNT,
                query(
                    f"""increase(gpu_ecc_volatile_errors_total{{{CHOSEN}, error="corrected"}}[1h]){CARD}
                    {NONE_SEEN}""",
                    LEGEND,
                ),
                limits=Limits(warning="gpu_ecc_corrected_per_hour"),
            ),
            timeseries(
                "PCIe packets sent again",
                "Any for long: the card sits badly, or its slot or riser is bad.",
                EVENTS_PER_SECOND,
                query(f"topk(16, rate(gpu_pcie_replays_total{{{CHOSEN}}}[$__rate_interval]){CARD})", LEGEND),
                limits=Limits(warning="gpu_pcie_replays_per_second"),
            ),
            timeseries(
                "NVLink errors",
                "In an hour, by kind; 0 without NVLink. Many slow down whatever spans several cards.",
                COUNT,
                query(
                    f"""sum by (instance, uuid, error) (increase(gpu_nvlink_errors_total{{{CHOSEN}}}[1h]))
                    {NONE_SEEN}""",
                    "{{instance}} {{uuid}} {{error}}",
                ),
                alerts=("GpuNvlinkErrors",),
            ),
            timeseries(
                "NVLink traffic",
                "Between cards; 0 without NVLink. None while a model spans several cards: it goes over PCIe, slowly.",
                BYTES_PER_SECOND,
                query(
                    f"sum(rate(gpu_nvlink_transmit_bytes_total{{{CHOSEN}}}[$__rate_interval])) {NONE_SEEN}",
                    "sent",
                ),
                query(
                    f"sum(rate(gpu_nvlink_receive_bytes_total{{{CHOSEN}}}[$__rate_interval])) {NONE_SEEN}",
                    "received",
                ),
            ),
            bars(
                "NVLink connections that are up",
                "By card; 0 without NVLink. Fewer than its neighbours have: one went down.",
                COUNT,
                query(
                    f"sum by (instance, uuid) (gpu_nvlink_active{{{CHOSEN}}}) or on (instance, uuid) 0 * gpu_device_up{{{CHOSEN}}}",
                    "{{instance}} {{uuid}}",
                ),
                alerts=("GpuNvlinkDown",),
            ),
            states(
                "Links at full width",
                "Whether PCIe has all lanes that card and slot can do. Not: the card sits badly, or shares its slot. The alert looks "
                "at the generation under load, too; it falls while a card idles.",
                query(
                    f"(gpu_pcie_link_lanes{{{CHOSEN}}} >= bool gpu_pcie_link_lanes_max{{{CHOSEN}}}){CARD}",
                    LEGEND,
                ),
                meanings=YES_NO,
                alerts=("GpuPcieLinkDegraded",),
            ),
            states(
                "Memory rows",
                "Bad rows are replaced by spare ones at the next reset. Where none are left the card must be returned.",
                query(
                    f"""(2 * gpu_row_remap_failure{{{CHOSEN}}} + gpu_row_remap_pending{{{CHOSEN}}}
                    or on (job, instance, uuid) gpu_retired_pages_pending{{{CHOSEN}}}
                    or on (job, instance, uuid) 0 * gpu_device_up{{{CHOSEN}}}){CARD}""",
                    LEGEND,
                ),
                meanings={
                    0: State("well", "green"),
                    1: State("waits for a reset", "orange"),
                    2: State("return it", "red"),
                    3: State("return it", "red"),
                },
                alerts=("GpuRowRemapFailed", "GpuResetPending"),
            ),
        ),
        row(
            "Each card",
            table(
                "Cards",
                "What stands where, and with which driver.",
                query(
                    f"""max by (instance, index, name, uuid, driver_version)
                    (gpu_info{{{CHOSEN}}} * on (job, instance, uuid) group_left () gpu_memory_total_bytes{{{CHOSEN}}})"""
                ),
                query(
                    f"""max by (instance, index, name, uuid, driver_version)
                    (gpu_info{{{CHOSEN}}} * on (job, instance, uuid) group_left () gpu_power_enforced_limit_watts{{{CHOSEN}}})"""
                ),
                query(
                    f"""max by (instance, index, name, uuid, driver_version)
                    (gpu_info{{{CHOSEN}}} * on (job, instance, uuid) group_left () gpu_mig_enabled{{{CHOSEN}}})"""
                ),
                columns=(
                    Column("instance", "Machine"),
                    Column("index", "Number"),
                    Column("name", "Card"),
                    Column("driver_version", "Driver"),
                    Column("Value #A", "Memory", BYTES),
                    Column("Value #B", "Power limit", WATTS),
                    Column("Value #C", "MIG", NONE, states={0: State("off", "text"), 1: State("on", "blue")}),
                    Column("uuid", "UUID", link="/d/vw-gpu?var-gpu=${__value.raw:percentencode}"),
                ),
            ),
        ),
        row(
            "More of each card",
            timeseries(
                "Video engines",
                "Share of time in which they worked, all cards together. Near 1: pictures or films are the bottleneck, whatever "
                "the load above says.",
                RATIO,
                query(f"avg(gpu_encoder_utilization_ratio{{{CHOSEN}}})", "encoder"),
                query(f"avg(gpu_decoder_utilization_ratio{{{CHOSEN}}})", "decoder"),
                query(f"avg(gpu_jpeg_utilization_ratio{{{CHOSEN}}})", "JPEG"),
                query(f"avg(gpu_optical_flow_utilization_ratio{{{CHOSEN}}})", "optical flow"),
                maximum=1,
            ),
            timeseries(
                "Mean power by energy",
                "What the cards used in all, by their own meters. It is what is paid for, peaks and pauses included.",
                WATTS,
                query(f"sum(rate(gpu_energy_joules_total{{{CHOSEN}}}[$__rate_interval]))", "all cards"),
            ),
            timeseries(
                "Fans",
                "What they are told to run at; cards without fans of their own show 0. At 1 while the card is hot: dust, or hot "
                "air around it.",
                RATIO,
                query(
                    f"max by (instance, uuid) (gpu_fan_speed_ratio{{{CHOSEN}}}) {NONE_SEEN}",
                    "{{instance}} {{uuid}}",
                ),
                maximum=1,
            ),
            timeseries(
                "Slowed down by heat",
                "Share of time, by reason, of the worst card, from the card's own counters: short spells are in it "
                "that the state at each look misses.",
                RATIO,
                query(
                    f"""max by (reason) (rate(gpu_clock_event_seconds_total{{{CHOSEN}, reason=~"hw_thermal|sw_thermal"}}[$__rate_interval]))
                    {NONE_SEEN}""",
                    "{{reason}}",
                ),
                width=12,
            ),
            timeseries(
                "Replaced memory",
                "Rows, or pages of older cards, that were taken out of use. It only grows; fast growth means that the card wears "
                "out.",
                COUNT,
                query(
                    f"sum by (error) (gpu_remapped_rows{{{CHOSEN}}} or gpu_retired_pages{{{CHOSEN}}}) {NONE_SEEN}",
                    "{{error}}",
                ),
                width=12,
                alerts=("GpuResetPending",),
            ),
            collapsed=True,
        ),
    ),
)
