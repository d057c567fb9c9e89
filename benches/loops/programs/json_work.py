"""Build records, write them as JSON, read them back, and look things up."""

import json


def record(i):
    return {
        "id": i,
        "name": f"user {i}",
        "tags": [f"tag{i % 7}", f"tag{i % 11}"],
        "score": i * 0.37,
        "address": {"city": f"city {i % 50}", "code": str(10000 + i)},
        "active": i % 3 == 0,
        "parent": None if i % 5 else i // 5,
    }


by_city = {}
for round in range(10):
    text = json.dumps([record(i) for i in range(4000)], indent=1 if round % 2 else None)
    for user in json.loads(text):
        if user["active"]:
            by_city.setdefault(user["address"]["city"], []).append(user["score"])
for city in sorted(by_city)[:5]:
    print(city, len(by_city[city]), sum(by_city[city]))
