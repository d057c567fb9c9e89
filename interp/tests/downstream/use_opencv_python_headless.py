import cv2
import numpy as np

a = (np.arange(300) % 251).astype("u1").reshape(10, 10, 3)
g = cv2.cvtColor(a, cv2.COLOR_BGR2GRAY)
print(g.shape, g.dtype, int(g.sum()), cv2.resize(a, (5, 5)).sum(), cv2.GaussianBlur(g, (3, 3), 0)[0].tolist(), cv2.threshold(g, 100, 255, cv2.THRESH_BINARY)[1].sum())
print(cv2.add(g, g)[0].tolist(), cv2.mean(a), cv2.minMaxLoc(g), cv2.split(a)[0].shape, cv2.merge([g, g]).shape, cv2.norm(g.astype("f4")))
ok, png = cv2.imencode(".png", a)
print(ok, np.array_equal(cv2.imdecode(png, cv2.IMREAD_COLOR), a), cv2.findContours((g > 100).astype("u1"), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)[0][0].dtype, cv2.warpAffine(g, np.float32([[1, 0, 1], [0, 1, 2]]), (10, 10)).sum())
try:
    cv2.cvtColor(np.zeros((2, 2), "O"), cv2.COLOR_BGR2GRAY)
except Exception as e:
    print(type(e).__name__)
