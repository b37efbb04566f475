"""Keep a card busy: with PyTorch or CuPy if they are here, else with CUDA's driver API alone.

`python -m vectorwatch.gpu.check.load SECONDS` prints what it uses and ends after that time.
"""

from __future__ import annotations

import ctypes
import importlib
import sys
import time
from collections.abc import Callable

import click

from vectorwatch.errors import VectorwatchError

_EDGE = 8192
# A kernel of nothing but multiply-add; the driver compiles it for the card at hand.
_PTX = b"""
.version 6.0
.target sm_50
.address_size 64
.visible .entry burn(.param .u64 out, .param .u32 rounds)
{
    .reg .pred %more;
    .reg .b32 %i, %n, %index, %threads, %block;
    .reg .f32 %a, %b, %factor, %rest;
    .reg .b64 %address, %offset;
    ld.param.u64 %address, [out];
    ld.param.u32 %n, [rounds];
    mov.u32 %index, %tid.x;
    mov.u32 %threads, %ntid.x;
    mov.u32 %block, %ctaid.x;
    mad.lo.u32 %index, %block, %threads, %index;
    cvt.rn.f32.u32 %a, %index;
    mov.f32 %b, %a;
    mov.f32 %factor, 0fBF7FBE77;
    mov.f32 %rest, 0f3F800000;
    mov.u32 %i, 0;
LOOP:
    fma.rn.f32 %a, %a, %factor, %rest;
    fma.rn.f32 %b, %b, %factor, %a;
    fma.rn.f32 %a, %a, %factor, %rest;
    fma.rn.f32 %b, %b, %factor, %a;
    add.u32 %i, %i, 1;
    setp.lt.u32 %more, %i, %n;
    @%more bra LOOP;
    add.f32 %a, %a, %b;
    mul.wide.u32 %offset, %index, 4;
    add.u64 %address, %address, %offset;
    st.global.f32 [%address], %a;
    ret;
}
"""
_BLOCKS, _THREADS, _ROUNDS = 4096, 256, 20_000


class LoadError(VectorwatchError):
    """No way to keep the card busy."""


def run(seconds: float, say: Callable[[str], None]) -> None:
    """Run the heaviest load that this machine has. Raises LoadError."""
    for name, start in (("torch", _torch), ("cupy", _cupy)):
        try:
            step = start()
        except Exception as error:  # any fault of an optional library means: take the next one
            say(f"{name}: {type(error).__name__}")
            continue
        say(f"load: {name}, {_EDGE}×{_EDGE} matrix products")
        return _repeat(step, seconds)
    say("load: CUDA driver API, multiply-add in registers")
    return _repeat(_driver_api(), seconds)


def _repeat(step: Callable[[], object], seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        step()


def _torch() -> Callable[[], object]:
    torch = importlib.import_module("torch")
    left = torch.randn(_EDGE, _EDGE, device="cuda", dtype=torch.float16)

    def step() -> None:
        for _ in range(20):
            torch.matmul(left, left)
        torch.cuda.synchronize()

    step()
    return step


def _cupy() -> Callable[[], object]:
    cupy = importlib.import_module("cupy")
    left = cupy.random.random((_EDGE, _EDGE), dtype=cupy.float32)

    def step() -> None:
        for _ in range(20):
            cupy.matmul(left, left)
        cupy.cuda.Device().synchronize()

    step()
    return step


def _driver_api() -> Callable[[], object]:
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError as error:
        raise LoadError("no PyTorch, no CuPy, and `libcuda.so.1` cannot be loaded: no load to run") from error

    def call(name: str, *arguments: object) -> None:
        code = getattr(cuda, name)(*arguments)
        if code:
            raise LoadError(f"{name} failed with CUDA error {code}")

    context, module, kernel, memory = (ctypes.c_void_p() for _ in range(4))
    call("cuInit", 0)
    call("cuCtxCreate_v2", ctypes.byref(context), 0, 0)
    call("cuModuleLoadData", ctypes.byref(module), _PTX)
    call("cuModuleGetFunction", ctypes.byref(kernel), module, b"burn")
    call("cuMemAlloc_v2", ctypes.byref(memory), ctypes.c_size_t(_BLOCKS * _THREADS * 4))
    rounds = ctypes.c_uint(_ROUNDS)
    arguments = (ctypes.c_void_p * 2)(ctypes.addressof(memory), ctypes.addressof(rounds))

    def step() -> None:
        call("cuLaunchKernel", kernel, _BLOCKS, 1, 1, _THREADS, 1, 1, 0, None, arguments, None)
        call("cuCtxSynchronize")

    step()
    return step


if __name__ == "__main__":
    try:
        run(float(sys.argv[1]), click.echo)
    except LoadError as error:
        click.echo(str(error), err=True)
        sys.exit(error.exit_code)
