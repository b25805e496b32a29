"""Operations fall back in the order of the error of their own output."""

from __future__ import annotations

from attrs import evolve

from strategies.policies.basic import fallbacks
from strategies.policies.engine import BAYESIAN
from strategies.policies.policy import Context
from strategies.policies.script import Steps, begin, meets


def mse(context: Context) -> Steps[None]:
    """Leave the operations of the greatest error in FP32, more and more, until that will do.

    Then bring back those that do no harm, from the least error on.
    """
    base, is_met = yield from begin(context)
    if is_met or context.knowledge is None:
        return
    fallen: list[str] = []
    params = dict(base)
    for name, option in fallbacks(context.knowledge, base, by="error").items():
        params[name] = option
        fallen.append(name)
        if meets((yield params)):
            break
    else:
        return
    for name in reversed(fallen[:-1]):
        again = {**params, name: base[name]}
        if meets((yield again)):
            params = again


MSE = evolve(BAYESIAN, name="mse", first=mse)
"""Operations in FP32 by the error of their output, until the criterion is met, and some back."""
