"""Print `ranges.rs`. Usage: python3.11 generate_ranges.py > ranges.rs && cargo fmt"""
import unicodedata


def ranges(has_property):
    found, start = [], None
    for code in range(0x110001):
        inside = code < 0x110000 and has_property(chr(code))
        if inside and start is None:
            start = code
        if not inside and start is not None:
            found.append((start, code - 1))
            start = None
    return found


TABLES = [
    ("ALPHABETIC", "Letters: the general categories L*.", str.isalpha),
    ("DECIMAL", "Digits of decimal positional systems.", str.isdecimal),
    ("DIGIT", "Digits that are no [`DECIMAL`]s, such as superscripts.", lambda c: c.isdigit() and not c.isdecimal()),
    ("NUMERIC", "Characters with a numeric value that are no digits.", lambda c: c.isnumeric() and not c.isdigit()),
    ("TITLE", "Titlecase letters.", lambda c: unicodedata.category(c) == "Lt"),
    ("SPACE", "White space as `str.isspace` has it.", str.isspace),
]

print(f"//! Ranges of code points by property (Unicode {unicodedata.unidata_version}), those `char` has no method for.")
print("//!\n//! Made by `generate_ranges.py` beside this file from the data of Python.")
for name, doc, has_property in TABLES:
    print(f"\n/// {doc}\n#[rustfmt::skip]\npub static {name}: &[(u32, u32)] = &[")
    line = "   "
    for a, b in ranges(has_property):
        item = f" (0x{a:X}, 0x{b:X}),"
        if len(line) + len(item) > 110:
            print(line)
            line = "   "
        line += item
    print(line + "\n];")
