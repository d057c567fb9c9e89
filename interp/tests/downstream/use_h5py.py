import io

import h5py
import numpy as np

memory = io.BytesIO()
with h5py.File(memory, "w") as f:
    d = f.create_dataset("grid", data=np.arange(24.0).reshape(4, 6), chunks=(2, 3), compression="gzip")
    f["ints"] = np.arange(5, dtype=">i4")
    f["record"] = np.array([(1, 2.5), (3, 4.5)], dtype=[("a", "i4"), ("b", "f8")])
    f["text"] = "hé"
    f.create_dataset("strings", data=["a", "bcd"], dtype=h5py.string_dtype())
    f.create_dataset("vstrings", data=np.array(["x", "yz" * 20], dtype=np.dtypes.StringDType()))
    f["bools"] = np.array([True, False])
    f["complex"] = np.array([1 + 2j])
    d.attrs["unit"] = np.array([1, 2, 3])
    f.create_dataset("half", (3,), "f2", fillvalue=1.5)
with h5py.File(memory, "r") as f:
    d = f["grid"]
    print(d.dtype, d[1:3, ::2].tolist(), d[...].sum(), d[[0, 2], 1].tolist(), d.attrs["unit"].tolist(), d[d[...] > 20].tolist())
    for name in ("ints", "record", "bools", "complex", "half"):
        print(name, f[name].dtype, f[name][...].tolist())
    print(f["text"][()], f["strings"].asstr()[...].tolist(), f["vstrings"].astype("T")[...].tolist(), sorted(f))
    out = np.zeros((4, 6), "f4")
    d.read_direct(out)
    print(out.tolist())
