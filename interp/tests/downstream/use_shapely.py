import numpy as np
import shapely

p = shapely.points(np.arange(4.0), np.arange(4.0)[::-1])
print(p, shapely.get_x(p).tolist(), shapely.buffer(p, 1.0).shape, np.round(shapely.area(shapely.buffer(p, [1.0, 2, 3, 4])), 4).tolist())
box = shapely.box(0, 0, 2, [1, 2, 3])
print(shapely.intersects(box[:, None], p).tolist(), shapely.union_all(box).area, shapely.distance(p[0], p).round(4).tolist(), shapely.to_wkt(box).tolist())
tree = shapely.STRtree(p)
print(tree.query(shapely.box(0, 0, 1.5, 9)).tolist(), shapely.get_coordinates(box[0]).tolist(), shapely.polygons([[(0, 0), (1, 0), (1, 1)]])[0].area, shapely.is_valid(box).all())
try:
    shapely.points([1, "a"])
except Exception as e:
    print(type(e).__name__)
