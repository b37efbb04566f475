"""Settings from the environment and an optional YAML file, checked at start; every problem is one line.

The environment wins over the file. An unknown key in either is an error, because a misspelt setting that is
silently ignored is found at night. Values of secrets never appear in a message.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from .errors import ConfigError, Reason, TargetError

NESTED = "__"


def state_folder(program: str) -> Path:
    """Return where a program keeps its data when nothing else is said (XDG Base Directory)."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "vectorwatch" / program


class Section(BaseModel):
    """A part of the settings: no unknown keys, no changes after start, no values in error texts."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Settings(BaseSettings):
    """The settings of one program; `env_prefix` is `VECTORWATCH_<ROOM>_`."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, env_nested_delimiter=NESTED
    )
    sources: ClassVar[tuple[Mapping[str, Any], Mapping[str, str]]] = ({}, {})

    def __init__(self) -> None:
        """Take no values: `load` finds them, and one given here would be ignored without a word."""
        super().__init__()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read the environment first, then the YAML file; `load` has put both into `sources`."""
        from_file, environ = cls.sources
        environment = EnvSettingsSource(settings_cls)
        environment.env_vars = {name.lower(): value for name, value in environ.items()}
        return environment, InitSettingsSource(settings_cls, init_kwargs=dict(from_file))


S = TypeVar("S", bound=Settings)


def load(model: type[S], *, config_file: Path | None = None, environ: Mapping[str, str] = os.environ) -> S:
    """Return the checked settings of `model`.

    `config_file` defaults to the path in `<env_prefix>CONFIG`. Raises ConfigError with every problem found.
    """
    prefix = str(model.model_config["env_prefix"])
    config_variable = f"{prefix}CONFIG"
    if config_file is None and environ.get(config_variable):
        config_file = Path(environ[config_variable])
    document = _Document.read(config_file)
    names = {
        name: value
        for name, value in environ.items()
        if name.upper().startswith(prefix) and name.upper() != config_variable
    }
    problems = list(_unknown_variables(model, prefix, names))
    bound: type[S] = type(
        model.__name__, (model,), {"sources": (document.values, names), "__module__": __name__}
    )
    try:
        settings = bound()
    except SettingsError as error:
        problems.append(f"config: {_variable_of(error, prefix)}: not valid JSON; lists and objects are JSON")
        raise ConfigError(problems) from None
    except ValidationError as error:
        described = (
            _describe(details, model, prefix, names, document)
            for details in error.errors(include_input=False, include_url=False)
        )
        problems.extend(line for line in described if line not in problems)
        raise ConfigError(problems) from None
    if problems:
        raise ConfigError(problems)
    return settings


def read_secret(value: SecretStr | None, file: Path | None) -> str | None:
    """Return a secret given as it is or as a file; read at each use, so that a rotated file takes effect.

    Raises TargetError(auth) when the file has become unreadable since the start.
    """
    if file is None:
        return value.get_secret_value() if value else None
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise TargetError(Reason.AUTH, f"cannot read {file}: {_strerror(error)}") from error


def check_secret(name: str, value: SecretStr | None, file: Path | None) -> None:
    """Raise ValueError unless at most one of `name` and `name_file` is given and the file is readable."""
    if value is not None and file is not None:
        raise ValueError(f"give `{name}` or `{name}_file`, not both")
    if file is not None:
        check_readable(f"{name}_file", file)
        if not file.read_text(encoding="utf-8", errors="replace").strip():
            raise ValueError(f"`{name}_file`: {file} is empty; write the secret into it")


def check_readable(name: str, file: Path) -> None:
    """Raise ValueError when `file` cannot be read by this user."""
    try:
        with file.open("rb"):
            pass
    except OSError as error:
        hint = f" (uid {os.getuid()} needs read)" if isinstance(error, PermissionError) else ""
        raise ValueError(f"`{name}`: cannot read {file}: {_strerror(error)}{hint}") from None


def _strerror(error: Exception) -> str:
    return (error.strerror or "").lower() if isinstance(error, OSError) else "not UTF-8"


class _Document:
    """A YAML file: its values and the line of each key."""

    def __init__(self, name: str, values: Mapping[str, Any], lines: Mapping[tuple[str, ...], int]) -> None:
        self.name = name
        self.values = values
        self._lines = lines

    @classmethod
    def read(cls, file: Path | None) -> _Document:
        if file is None:
            return cls("", {}, {})
        try:
            text = file.read_text(encoding="utf-8")
            node = yaml.compose(text, Loader=yaml.SafeLoader)
            values = yaml.safe_load(text)
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"config: cannot read {file}: {_strerror(error)}") from None
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise ConfigError(f"config: {file}:{line}: not valid YAML: {error.problem}") from None
        except yaml.YAMLError as error:
            raise ConfigError(f"config: {file}: not valid YAML: {str(error).splitlines()[0]}") from None
        if values is None:
            return cls(str(file), {}, {})
        if not isinstance(values, dict):
            raise ConfigError(f"config: {file}:1: expected `key: value` lines at the top level")
        lines: dict[tuple[str, ...], int] = {}
        problems: list[str] = []
        try:
            _walk(node, (), lines, problems)
        except RecursionError:
            raise ConfigError(f"config: {file}: an alias (`*`) stands inside what it names") from None
        if problems:
            raise ConfigError(f"config: {file}:{problem}" for problem in problems)
        return cls(str(file), {str(key): value for key, value in values.items()}, lines)

    def where(self, location: tuple[str, ...]) -> str | None:
        """Return `file:line` of the deepest key on the way to `location`."""
        for depth in range(len(location), 0, -1):
            if location[:depth] in self._lines:
                return f"{self.name}:{self._lines[location[:depth]]}"
        return None


def _walk(
    node: yaml.Node | None, path: tuple[str, ...], lines: dict[tuple[str, ...], int], problems: list[str]
) -> None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*path, str(key.value))
            line = key.start_mark.line + 1
            if here in lines:
                problems.append(f"{line}: key `{key.value}` stands twice; the first is on line {lines[here]}")
            lines[here] = line
            _walk(value, here, lines, problems)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            lines[(*path, str(index))] = value.start_mark.line + 1
            _walk(value, (*path, str(index)), lines, problems)


def _unknown_variables(model: type[Settings], prefix: str, names: Mapping[str, str]) -> Iterator[str]:
    known = [prefix + name.upper() for name in model.model_fields]
    for name in names:
        top = name.upper().split(NESTED)[0] if NESTED in name.removeprefix(prefix) else name.upper()
        if top not in known:
            yield f"config: unknown variable `{name}`{_suggest(top, known)}"


def _suggest(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean `{close[0]}`?" if close else f"; known are {', '.join(sorted(known))}"


def _variable_of(error: SettingsError, prefix: str) -> str:
    quoted = str(error).split('"')
    return prefix + quoted[1].upper() if len(quoted) > 1 else prefix


def _describe(
    details: ErrorDetails,
    model: type[Settings],
    prefix: str,
    names: Mapping[str, str],
    document: _Document,
) -> str:
    location = tuple(str(part) for part in details["loc"])
    where = _origin(location, prefix, names) or document.where(location)
    key = ".".join(location)
    if details["type"] == "extra_forbidden":
        known = _known_keys(model, location[:-1])
        return f"config: {where or key}: unknown key `{location[-1]}`{_suggest(location[-1], known)}"
    message = details["msg"].removeprefix("Value error, ")
    if details["type"] == "missing":
        return f"config: {where or prefix + key.upper()}: `{key}` is required"
    shown = f"{where}: " if where else ""
    return f"config: {shown}`{key}`: {message}" if key else f"config: {shown}{message}"


def _origin(location: tuple[str, ...], prefix: str, names: Mapping[str, str]) -> str | None:
    upper = {name.upper(): name for name in names}
    for depth in range(len(location), 0, -1):
        variable = prefix + NESTED.join(location[:depth]).upper()
        if variable in upper:
            return upper[variable]
    return None


def _known_keys(model: type[BaseModel], path: tuple[str, ...]) -> list[str]:
    """Return the keys that the model at `path` takes (list indexes and unions are stepped through)."""
    current: type[BaseModel] = model
    for part in path:
        field = current.model_fields.get(part)
        inner = _model_in(field.annotation) if field else None
        current = inner or current
    return list(current.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _model_in(argument)
        if found:
            return found
    return None
