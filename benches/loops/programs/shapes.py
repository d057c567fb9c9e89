"""Objects that call each other: a small simulation of trucks, depots and orders."""


class Order:
    __slots__ = ("weight", "target", "day")

    def __init__(self, weight, target, day):
        self.weight, self.target, self.day = weight, target, day


class Truck:
    def __init__(self, name, capacity):
        self.name, self.capacity = name, capacity
        self.load, self.driven = [], 0

    def fits(self, order):
        return self.weight() + order.weight <= self.capacity

    def weight(self):
        return sum(order.weight for order in self.load)

    def drive(self, depot):
        at = 0
        for order in sorted(self.load, key=lambda order: order.target):
            self.driven += abs(order.target - at)
            at = order.target
            depot.done(order)
        self.driven += at
        self.load.clear()


class Slow(Truck):
    def drive(self, depot):
        before = self.driven
        super().drive(depot)
        self.driven += (self.driven - before) // 10


class Depot:
    def __init__(self, trucks):
        self.trucks, self.waiting, self.delays = trucks, [], []
        self.day = 0

    def done(self, order):
        self.delays.append(self.day - order.day)

    def one_day(self, orders):
        self.day += 1
        self.waiting.extend(orders)
        left = []
        for order in self.waiting:
            for truck in self.trucks:
                if truck.fits(order):
                    truck.load.append(order)
                    break
            else:
                left.append(order)
        self.waiting = left
        for truck in self.trucks:
            truck.drive(self)


depot = Depot([Truck("a", 40), Truck("b", 60), Slow("c", 90)])
seed = 7
for day in range(8000):
    orders = []
    for _ in range(12):
        seed = (seed * 48271) % 2147483647
        orders.append(Order(1 + seed % 30, seed // 31 % 100, day))
    depot.one_day(orders)
print(len(depot.delays), sum(depot.delays), len(depot.waiting), [t.driven for t in depot.trucks])
