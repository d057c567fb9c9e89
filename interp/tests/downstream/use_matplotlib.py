import io

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(0)
fig, axes = plt.subplots(2, 4, figsize=(10, 5))
x = np.linspace(0, 6, 80)
axes[0, 0].plot(x, np.sin(x), label="sin")
axes[0, 0].legend()
axes[0, 1].imshow(rng.random((8, 8)), interpolation="bilinear")
axes[0, 2].scatter(rng.random(50), rng.random(50), c=rng.random(50), s=40)
axes[0, 3].hist(rng.normal(size=200), bins=12)
axes[1, 0].contourf(np.outer(x, x)[:20, :20])
axes[1, 1].pcolormesh(rng.random((5, 6)))
axes[1, 2].bar(["a", "b"], [1, 2])
axes[1, 3].tripcolor(rng.random(30), rng.random(30), rng.random(30))
fig.suptitle("title $x^2$")
for kind in ("png", "svg", "pdf"):
    f = io.BytesIO()
    fig.savefig(f, format=kind, metadata={"Date": None} if kind == "svg" else None)
    print(kind, len(f.getvalue()) > 5000)
fig.canvas.draw()
image = np.asarray(fig.canvas.buffer_rgba())
print(image.shape, image.dtype, int(image.astype("u8").sum()))
print(matplotlib.colormaps["viridis"]([0, 0.5, 1.0]).round(4).tolist(), plt.Rectangle((0, 0), 1, 2).get_path().contains_points([(0.5, 0.5), (2, 2)]).tolist())
