import io

import numpy as np
import pandas as pd

df = pd.DataFrame({"k": list("abcab"), "x": np.arange(5.0), "n": [3, 1, 2, 5, 4], "t": pd.date_range("2020-01-30", periods=5), "o": [1, "a", None, 2.5, True]})
print(df, df.dtypes, df.describe(), sep="\n")
print(df.groupby("k").agg({"x": ["mean", "sum"], "n": "max"}))
print(df.groupby("k")["x"].transform("cumsum").tolist(), df.groupby("k").size().to_dict())
print(df.merge(pd.DataFrame({"k": ["a", "b"], "v": [10, 20]}), on="k", how="left"))
print(df.sort_values(["k", "n"], ascending=[True, False]).index.tolist(), df.nlargest(2, "n").index.tolist(), df["n"].rank().tolist())
print(df.pivot_table(index="k", values="x", aggfunc="mean"), df.melt(id_vars="k", value_vars=["x", "n"]).shape)
print(df.set_index("t").resample("ME")["x"].sum(), df["x"].rolling(3).mean().tolist(), df["x"].ewm(span=2).mean().round(4).tolist(), df["x"].expanding().std().round(4).tolist())
print(df["t"].dt.day_name().tolist(), (df["t"] - df["t"].iloc[0]).dt.days.tolist(), df["t"].dt.tz_localize("UTC").dt.tz_convert("Europe/Berlin").astype(str).tolist())
s = pd.Series(["Ab", "cd", None, "éf"])
print(s.str.upper().tolist(), s.str.len().tolist(), s.isna().tolist(), s.str.contains("d").tolist(), s.astype("category").cat.codes.tolist())
for dtype in ("Int64", "boolean", "string", "category", "Float32"):
    v = pd.array([1, 0, None] if dtype not in ("string", "category") else ["a", "b", None], dtype=dtype)
    print(dtype, v, pd.isna(v).tolist())
print(pd.cut(df["x"], 3).astype(str).tolist(), pd.qcut(df["x"], 2, labels=False).tolist(), pd.get_dummies(df["k"]).to_numpy().astype(int).tolist(), pd.factorize(df["k"])[0].tolist())
text = df.drop(columns="o").to_csv(index=False)
print(text, pd.read_csv(io.StringIO(text), parse_dates=["t"]).equals(df.drop(columns="o")))
print(df.drop(columns=["o", "t"]).to_json(), pd.read_json(io.StringIO(df[["x", "n"]].to_json())).equals(df[["x", "n"]].astype({"x": "int64"})))
print(df[df["x"] > 2].loc[:, ["k", "n"]].to_dict("records"), df.iloc[1:3, [0, 2]].values.tolist(), df.at[2, "x"], df.loc[df["k"].isin(["a"]), "n"].sum())
mi = pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["p", "q"])
m = pd.DataFrame({"v": range(4)}, index=mi)
print(m.unstack(), m.xs(2, level="q"), m.groupby(level=0).sum(), m.stack(), sep="\n")
print(pd.concat([df[["x"]], df[["n"]]], axis=1).T.to_numpy().tolist(), df[["x", "n"]].corr().round(4).to_numpy().tolist(), df[["x", "n"]].cov().round(4).to_numpy().tolist())
print(pd.Timestamp("2020-02-29") + pd.DateOffset(years=1), pd.Timedelta("1D 2h") * 2, pd.Period("2020Q1").end_time, pd.to_datetime(["2020-01-01", "bad"], errors="coerce").tolist())
print(df["x"].where(df["n"] > 2).interpolate().tolist(), df["x"].shift(1).fillna(-1).tolist(), df["n"].diff().tolist(), df["n"].value_counts().sort_index().to_dict(), df["n"].duplicated().tolist(), df["x"].map(lambda v: v * 2).tolist())
print(df.eval("x + n * 2").tolist(), df.query("x > 1 and n < 5").index.tolist(), df["x"].quantile([0.1, 0.9]).tolist(), df["n"].mode().tolist(), df["x"].skew())
print(pd.IntervalIndex.from_breaks([0, 1, 2]).get_indexer([0.5, 1.5, 9]).tolist(), pd.Index([3, 1, 2]).get_indexer([1, 9]).tolist(), pd.Index(["a", "b"]).union(["c"]).tolist())
print(pd.Series([1, 2, 3], dtype="Sparse[int]").sum(), pd.Series(pd.date_range("2020", periods=3, freq="h")).dt.floor("D").nunique(), pd.Series([1.0, np.nan]).sum(skipna=False))
print(df["o"].infer_objects().dtype, pd.api.types.infer_dtype(df["o"]), pd.to_numeric(pd.Series(["1", "2.5", "x"]), errors="coerce").tolist(), df.memory_usage(index=False).tolist())
