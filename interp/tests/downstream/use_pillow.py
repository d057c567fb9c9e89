import io

import numpy as np
from PIL import Image

a = (np.arange(192) % 251).astype("u1").reshape(8, 8, 3)
im = Image.fromarray(a)
print(im.mode, im.size, np.asarray(im.rotate(90)).sum(), np.asarray(im.resize((4, 4))).shape, np.array(im.convert("L")).tolist()[0])
f = io.BytesIO()
im.save(f, "png")
print(np.array_equal(np.array(Image.open(io.BytesIO(f.getvalue()))), a), Image.fromarray(a[..., 0] > 100).mode, Image.fromarray(a[..., 0].astype("f4")).mode)
