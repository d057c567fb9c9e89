import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

for arr in (np.arange(5), np.arange(5.0)[::2], np.array(["a", "bcd"]), np.array([True, False]), np.array(["2020-01-01"], "M8[ns]"), np.array([1, None, "x"], object)[:2], np.arange(3, dtype="f2"), np.array(["p", "q"], dtype=np.dtypes.StringDType())):
    a = pa.array(arr)
    print(a.type, a.to_pylist(), a.to_numpy(zero_copy_only=False).tolist())
print(pa.array([1.5, None]).to_numpy(zero_copy_only=False), pa.array([1, 2]).to_numpy().flags.writeable, pa.Tensor.from_numpy(np.arange(6).reshape(2, 3)).to_numpy().tolist())
t = pa.table({"x": np.arange(4), "y": np.arange(4.0) ** 2})
print(t.to_pydict(), pc.sum(t["x"]).as_py(), t.filter(pc.greater(t["y"], 1)).num_rows, pc.mean(pa.array(np.float32([1, 2]))).as_py())
print(pa.scalar(np.int8(3)).type, pa.array([np.float32(1.5), np.int64(2)], pa.float64()).to_pylist(), pa.from_numpy_dtype(np.dtype("u2")))
