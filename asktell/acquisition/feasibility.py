"""Temporary."""
from __future__ import annotations
import numpy as np
from scipy import special
from asktell.acquisition.improvement import log_h_with_slope
from asktell.acquisition.normal import hazard, log_density

def log_probability_between_with_slopes(mean, std, low, high):
    certain = std <= 0
    doubt = np.where(certain, 1.0, std)
    a, b = (low - mean)/doubt, (high - mean)/doubt
    a, b = np.broadcast_arrays(a, b)
    flip = a > 0
    lo, hi = np.where(flip, -b, a), np.where(flip, -a, b)
    lh, ll = special.log_ndtr(hi), special.log_ndtr(lo)
    with np.errstate(all="ignore"):
        v = lh + np.log1p(-np.exp(np.minimum(ll - lh, -1e-300)))
    ra = np.where(np.isfinite(a), np.exp(log_density(np.where(np.isfinite(a),a,0)) - v), 0)
    rb = np.where(np.isfinite(b), np.exp(log_density(np.where(np.isfinite(b),b,0)) - v), 0)
    dm = (ra - rb)/doubt
    ds = (np.where(np.isfinite(a),a,0)*ra - np.where(np.isfinite(b),b,0)*rb)/doubt
    inside = (mean >= low) & (mean <= high)
    v = np.where(certain, np.where(inside, 0.0, -np.inf), v)
    return v, np.where(certain, 0, dm), np.where(certain, 0, ds)

def log_probability_between(mean, std, low, high):
    return log_probability_between_with_slopes(mean, std, low, high)[0]

def log_expected_violation_with_slopes(mean, std, low, high):
    doubt = np.where(std<=0, 1.0, std)
    va, ra = log_h_with_slope(np.where(np.isfinite(low), (low-mean)/doubt, -1e3))
    vb, rb = log_h_with_slope(np.where(np.isfinite(high), (mean-high)/doubt, -1e3))
    v = np.logaddexp(va, vb)
    wa, wb = np.exp(va-v), np.exp(vb-v)
    za, zb = np.where(np.isfinite(low),(low-mean)/doubt,-1e3), np.where(np.isfinite(high),(mean-high)/doubt,-1e3)
    return np.log(doubt)+v, (-wa*ra + wb*rb)/doubt, 1/doubt - (wa*ra*za+wb*rb*zb)/doubt
