"""Write and read CSV, and summarise columns by group."""

import csv
import io
import statistics
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(order=True)
class Sale:
    day: date
    shop: str
    items: int
    price: float

    @property
    def value(self):
        return self.items * self.price


start = date(2024, 1, 1)
sales = [Sale(start + timedelta(days=i % 365), f"shop {i % 12}", 1 + i % 9, round(3.5 + i % 101 * 0.25, 2)) for i in range(40_000)]
file = io.StringIO()
writer = csv.writer(file)
writer.writerow(["day", "shop", "items", "price"])
for sale in sorted(sales):
    writer.writerow([sale.day.isoformat(), sale.shop, sale.items, sale.price])
file.seek(0)
by_shop = {}
for row in csv.DictReader(file):
    sale = Sale(date.fromisoformat(row["day"]), row["shop"], int(row["items"]), float(row["price"]))
    by_shop.setdefault(sale.shop, []).append(sale.value)
for shop in sorted(by_shop)[:4]:
    values = by_shop[shop]
    print(f"{shop:10} {len(values):6} {statistics.fmean(values):10.3f} {statistics.median(values):8.2f} {max(values):8.2f}")
