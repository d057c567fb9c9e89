import numpy as np
from scipy import fft, integrate, interpolate, io, linalg, ndimage, optimize, signal, sparse, spatial, special, stats
from scipy.cluster import hierarchy
from scipy.sparse import csgraph, linalg as sla


def show(name, *values):
    print(name, *(np.round(np.asarray(v, dtype=complex if np.iscomplexobj(v) else float), 5).tolist() for v in values))


x = np.linspace(0.1, 3, 7)
for name in ("gamma", "erf", "j0", "expit", "digamma", "ellipk", "zeta", "ndtr", "logit", "i1", "loggamma", "airy"):
    show(name, getattr(special, name)(x))
    show(name, getattr(special, name)(np.float32(0.5)))
show("jv", special.jv(np.arange(3)[:, None], x), special.binom(5, 2), special.comb(10, 3), special.hyp2f1(1, 2, 3, x / 4))
show("xlogy", special.xlogy(x, x), special.logsumexp(x), special.softmax(x))
rng = np.random.default_rng(3)
a = rng.normal(size=(5, 5))
spd = a @ a.T + 5 * np.eye(5)
show("solve", linalg.solve(a, np.ones(5)), linalg.inv(a), linalg.det(a), linalg.cholesky(spd), linalg.eigvalsh(spd), linalg.svdvals(a))
show("lu", *linalg.lu(a), linalg.expm(a / 5), linalg.norm(a), *(np.abs(q) for q in linalg.qr(a)), linalg.lstsq(a, np.ones(5))[0])
show("fortran", linalg.solve(np.asfortranarray(a), np.ones((5, 2))), linalg.solve_triangular(np.tril(spd), np.ones(5), lower=True))
m = sparse.random_array((8, 8), density=0.4, rng=7) + 4 * sparse.eye_array(8)
for kind in ("csr", "csc", "coo", "lil", "dok", "bsr"):
    s = m.asformat(kind)
    show(kind, (s @ np.arange(8.0)), s.sum(axis=0), (s.T @ s).toarray())
show("spsolve", sla.spsolve(m.tocsc(), np.ones(8)), sla.eigsh((m + m.T).tocsc(), k=2)[0], csgraph.shortest_path(abs(m)), csgraph.connected_components(m)[0])
show("filters", signal.lfilter([1, 2], [1, -0.5], x), signal.convolve(x, x), signal.medfilt(x, 3), signal.sosfilt(signal.butter(3, 0.2, output="sos"), x))
show("signal", signal.find_peaks([0, 2, 0, 3, 1])[0], signal.hilbert(x), signal.resample(x, 9), signal.order_filter(np.arange(9.0).reshape(3, 3), np.ones((3, 3)), 4))
img = rng.random((9, 9))
show("ndimage", ndimage.gaussian_filter(img, 1), ndimage.median_filter(img, 3), ndimage.zoom(img, 0.5), ndimage.label(img > 0.5)[0], ndimage.generic_filter(img, np.max, 3))
show("ndimage2", ndimage.rotate(img, 30), ndimage.distance_transform_edt(img > 0.3), ndimage.map_coordinates(img, [[1.5, 2], [3, 4.2]]), ndimage.find_objects(np.array([0, 1, 1]))[0][0].stop)
show("interp", interpolate.CubicSpline(x, x**2)(1.5), interpolate.interp1d(x, x**2)(1.5), interpolate.griddata(rng.random((20, 2)), np.arange(20.0), [[0.5, 0.5]]), interpolate.UnivariateSpline(x, x**2)(1.5))
show("interp2", interpolate.RegularGridInterpolator((x, x), np.outer(x, x))([[1, 2]]), interpolate.BSpline.basis_element([0, 1, 2, 3])(1.5), interpolate.RBFInterpolator(x[:, None], x)([[1.0]]))
show("optimize", optimize.minimize(lambda v: ((v - 3) ** 2).sum(), np.zeros(3)).x, optimize.brentq(lambda v: v**2 - 2, 0, 2), optimize.curve_fit(lambda t, p, q: p * t + q, x, 3 * x + 1)[0])
show("optimize2", optimize.linprog([1, 1], A_ub=[[-1, -2]], b_ub=[-3]).x, optimize.least_squares(lambda v: v - 2, [0.0]).x, optimize.linear_sum_assignment(img)[1], optimize.root(lambda v: v**3 - 8, [1.0]).x)
show("integrate", integrate.quad(np.sin, 0, np.pi)[0], integrate.solve_ivp(lambda t, y: -y, (0, 1), [1.0]).y[0, -1], integrate.odeint(lambda y, t: -y, 1.0, [0, 1]), integrate.simpson(x, x=x), integrate.dblquad(lambda a, b: a * b, 0, 1, 0, 1)[0])
points = rng.random((12, 2))
show("spatial", spatial.distance.pdist(points)[:5], spatial.cKDTree(points).query([[0.5, 0.5]])[0], spatial.ConvexHull(points).volume, spatial.Delaunay(points).simplices.shape, spatial.transform.Rotation.from_euler("z", 0.3).as_matrix())
show("cluster", hierarchy.linkage(points), hierarchy.fcluster(hierarchy.linkage(points), 2, "maxclust"))
show("fft", fft.fft(x), fft.dct(x), fft.rfft2(img).sum(), fft.ifft(fft.fft(x)))
show("stats", stats.norm.cdf(x), stats.ttest_ind(x, x + 1).pvalue, stats.spearmanr(x, x**2).statistic, stats.gaussian_kde(x)(1.0), stats.linregress(x, 2 * x).slope, stats.kstest(x, "norm").pvalue)
show("stats2", stats.gamma.fit(x, floc=0), stats.rankdata([3, 1, 2, 2]), stats.mode([1, 1, 2]).mode, stats.chi2_contingency([[1, 2], [3, 4]]).pvalue, stats.beta.rvs(2, 3, size=3, random_state=1), stats.qmc.Sobol(2, seed=1).random(4))
import io as memory

f = memory.BytesIO()
io.savemat(f, {"a": a, "s": "text", "m": m.tocsc(), "c": np.array([[1, "x"]], object)})
f.seek(0)
back = io.loadmat(f)
show("mat", back["a"], back["m"].toarray())
print(back["s"], back["c"].shape)
f = memory.BytesIO()
io.wavfile.write(f, 8000, np.arange(10, dtype="i2"))
f.seek(0)
print(io.wavfile.read(f))
