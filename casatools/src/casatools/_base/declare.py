"""Declaration of tool methods and tasks: the signature is the specification.

A `Declaration` is read once from a function's own signature: the kind, default and help text of every parameter.
`method` wraps a tool method with it; ``casatasks._task.task`` wraps a task function.
"""

from __future__ import annotations

import difflib
import functools
import inspect
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import numpy as np

from casatools._base import kinds
from casatools._base.errors import ParameterError

__all__ = ["Declaration", "Parameter", "documented", "method", "parameter_section"]

F = TypeVar("F", bound=Callable[..., Any])
_PLAIN: dict[Any, kinds.Kind] = {
    bool: kinds.Bool(),
    int: kinds.Int(),
    float: kinds.Float(),
    str: kinds.Text(),
    dict: kinds.Record(),
    list: kinds.Variant(),
    np.ndarray: kinds.Array(),
    Any: kinds.Variant(),
    object: kinds.Variant(),
}


@dataclass(frozen=True)
class Parameter:
    """One declared parameter: its name, kind, default (``inspect.Parameter.empty`` when required) and help text."""

    name: str
    kind: kinds.Kind
    default: Any
    help: str

    @property
    def required(self) -> bool:
        return self.default is inspect.Parameter.empty


class Declaration:
    """The parameters of one function, and the binding of a call to them.

    Parameters
    ----------
    function : callable
        Its annotations are read at the first call or look-up, not at import.
    owner : str
        What errors name, such as ``gaincal`` or ``table.open``.
    skip : int
        Leading parameters that are not declared (1 for ``self``).
    """

    __slots__ = ("_by_name", "_defaults", "_parameters", "function", "owner", "skip")

    def __init__(self, function: Callable[..., Any], owner: str, skip: int = 0) -> None:
        self.function = function
        self.owner = owner
        self.skip = skip
        self._parameters: tuple[Parameter, ...] | None = None
        self._by_name: dict[str, Parameter] = {}
        # Name, default and whether the default is handed out as a copy: what a call that gives no value needs.
        self._defaults: tuple[tuple[str, Any, bool], ...] = ()

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The declared parameters in order."""
        if self._parameters is None:
            hints = typing.get_type_hints(self.function, include_extras=True)
            found = list(inspect.signature(self.function).parameters.values())[self.skip :]
            self._parameters = tuple(_parameter(p, hints.get(p.name, Any)) for p in found)
            self._by_name = {p.name: p for p in self._parameters}
            self._defaults = tuple((p.name, p.default, isinstance(p.default, (list, dict))) for p in self._parameters)
        return self._parameters

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Return ``{name: converted value}`` for a call, defaults filled in; raise ParameterError for a bad one."""
        parameters = self.parameters
        if len(args) > len(parameters):
            raise ParameterError(f"{self.owner}: takes {len(parameters)} parameters; got {len(args)} positional ones")
        values: dict[str, Any] = {}
        for parameter, given in zip(parameters, args, strict=False):
            values[parameter.name] = self._convert(parameter, given)
        for name, given in kwargs.items():
            found = self._by_name.get(name)
            if found is None:
                raise ParameterError(f"{self.owner}: there is no parameter {name!r}{self._nearest(name)}")
            if name in values:
                raise ParameterError(f"{self.owner}: parameter {name!r} was given twice")
            values[name] = self._convert(found, given)
        if len(values) < len(parameters):
            for name, default, copied in self._defaults:
                if name not in values:
                    if default is inspect.Parameter.empty:
                        raise ParameterError(f"{self.owner}: parameter {name!r} is required")
                    values[name] = default.copy() if copied else default
        return values

    def _convert(self, parameter: Parameter, given: Any) -> Any:
        default = parameter.default
        if given is default and not isinstance(given, (list, dict)):
            return given
        if type(given) is dict and type(parameter.kind) is kinds.Record:
            return given.copy()
        # A default written out is the default, also where it stands for "not given" and is no value of its kind.
        if type(given) is type(default) and isinstance(given, (str, int, float)) and given == default:
            return given
        try:
            return parameter.kind.convert(given)
        except kinds.Refused as refusal:
            shown = repr(given)
            if len(shown) > 80:
                shown = shown[:77] + "..."
            message = f"{self.owner}: parameter {parameter.name!r} must be {refusal}; got {shown}"
            raise ParameterError(message) from None

    def _nearest(self, name: str) -> str:
        near = difflib.get_close_matches(name, list(self._by_name), n=1)
        return f"; did you mean {near[0]!r}?" if near else f"; it takes {', '.join(self._by_name) or 'none'}"


def _parameter(found: inspect.Parameter, hint: Any) -> Parameter:
    text = ""
    kind: kinds.Kind | None = None
    if get_origin(hint) is Annotated:
        hint, *extras = get_args(hint)
        for extra in extras:
            if isinstance(extra, kinds.Kind):
                kind = extra
            elif isinstance(extra, str):
                text = extra
    if kind is None:
        kind = _kind_of(hint)
    return Parameter(found.name, kind, found.default, text)


def _kind_of(hint: Any) -> kinds.Kind:
    """The kind of a plain annotation: a builtin type, a Literal or a union of them."""
    if get_origin(hint) is Annotated:
        return next((e for e in get_args(hint)[1:] if isinstance(e, kinds.Kind)), _kind_of(get_args(hint)[0]))
    if get_origin(hint) is Literal:
        return kinds.Choice(get_args(hint))
    if get_origin(hint) in (Union, types.UnionType):
        return kinds.Variant(tuple(_kind_of(h) for h in get_args(hint) if h is not type(None)))
    if get_origin(hint) in (list, dict):
        return _PLAIN[get_origin(hint)]
    try:
        return _PLAIN[hint]
    except (KeyError, TypeError):
        raise TypeError(f"no parameter kind for the annotation {hint!r}") from None


def parameter_section(declaration: Declaration) -> str:
    """The numpydoc ``Parameters`` section of a declaration."""
    lines = ["Parameters", "----------"]
    for p in declaration.parameters:
        default = "" if p.required else f", default {p.default!r}"
        lines.append(f"{p.name} : {p.kind.phrase}{default}")
        lines.append(f"    {p.help or p.name}")
    return "\n".join(lines) if len(lines) > 2 else ""


def documented(declaration: Declaration) -> str:
    """The docstring of a declared function with the Parameters section of its signature put in."""
    text = inspect.cleandoc(declaration.function.__doc__ or "")
    section = parameter_section(declaration)
    if not section or "\nParameters\n" in text:
        return text
    for heading in ("Returns", "Raises", "Notes", "References", "Examples", "See Also"):
        at = text.find(f"\n{heading}\n---")
        if at >= 0:
            return f"{text[:at].rstrip()}\n\n{section}\n{text[at:]}"
    return f"{text}\n\n{section}"


def plain_signature(function: Callable[..., Any]) -> inspect.Signature:
    """The signature that ``help()`` shows: names and defaults; the kinds are told in the docstring's Parameters."""
    signature = inspect.signature(function)
    bare = [p.replace(annotation=inspect.Parameter.empty) for p in signature.parameters.values()]
    return signature.replace(parameters=bare, return_annotation=inspect.Signature.empty)


def method(function: F) -> F:
    """Declare a tool method: its arguments are checked and converted by the kinds of its own signature.

    The wrapped method keeps the signature; ``__declaration__`` holds the parameters for documentation and conformance tests.
    """
    declaration = Declaration(function, function.__name__, skip=1)
    owners: dict[type, str] = {}

    @functools.wraps(function)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        owner = owners.get(type(self))
        if owner is None:
            owner = owners[type(self)] = f"{type(self).__name__}.{function.__name__}"
        declaration.owner = owner
        return function(self, **declaration.bind(args, kwargs))

    call.__declaration__ = declaration  # type: ignore[attr-defined]
    call.__signature__ = plain_signature(function)  # type: ignore[attr-defined]
    call.__doc__ = documented(declaration)
    return call  # type: ignore[return-value]
