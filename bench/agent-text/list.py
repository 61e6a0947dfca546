"""Makes crates/sysmond/agent-text.ld from the functions that ran.

    list.py MAP MET

MAP is the linker's; MET has the places of the functions that ran, hexadecimal, a line each. Names of their sections
lose what differs from one build to the next: hashes, numbers of crates, marks of copies. Where most of a module ran,
the module stands for them.
"""

import bisect
import collections
import re
import sys

# What of a module's bytes has to have run for its name alone to stand in the list.
SHARE = 0.6
# A module that is larger is told function by function.
LARGEST_MODULE = 200_000
# Columns of the list.
WIDTH = 200

HEAD = """\
/* What an agent runs stands together in the program, so that its memory holds that and little else: the kernel maps
   code in pieces of 64 KiB, and without this list an agent touches nearly all of them. Figures are in
   docs/decisions/2026-11-22-what-an-agent-weighs.md.

   Names of sections as the compiler makes them, without hashes: a name that is gone costs nothing, one that is missing
   64 KiB at most. Made by bench/agent-text/run from a run of an agent: only to be made anew when its memory grows. */
SECTIONS
{
  .text.agent :
  {
    *(
"""
TAIL = """
    )
  }
}
INSERT BEFORE .text;
"""


def sections(path):
    """Place, size and name of each piece of code that the compiler made, by place."""
    line = re.compile(r"\s*([0-9a-f]+)\s+[0-9a-f]+\s+([0-9a-f]+)\s+\d+\s+\S.*:\((\.text\.\S+)\)$")
    with open(path, encoding="utf-8") as file:
        found = (line.match(text.rstrip()) for text in file)
        return sorted((int(one[1], 16), int(one[2], 16), one[3]) for one in found if one and int(one[2], 16))


def pattern(name):
    name = re.sub(r"17h[0-9a-f]{16}E(\.llvm\.\d+|\.\w+)*$", "17h*", name)
    name = re.sub(r"\.(constprop|part|isra|cold)\.\d+.*$", "*", name)
    name = re.sub(r"\.llvm\.\d+$", "*", name)
    return re.sub(r"Cs[0-9A-Za-z]{8,}_", "Cs*_", name) if "._R" in name else name


def modules(name):
    """The beginnings of a name, module by module."""
    place = len(".text._ZN")
    while name.startswith(".text._ZN"):
        digits = re.match(r"\d+", name[place:])
        if not digits:
            return
        place += len(digits[0]) + int(digits[0])
        if place >= len(name) or name[place:].startswith("17h"):
            return
        yield name[:place]


def patterns(code, met):
    size, ran, count = collections.Counter(), collections.Counter(), collections.Counter()
    met = sorted(met)

    def ran_in(at, length):
        place = bisect.bisect_left(met, at)
        return place < len(met) and met[place] < at + length

    all_functions = [(ran_in(at, length), length, name) for at, length, name in code]
    for is_met, length, name in all_functions:
        for module in modules(name):
            size[module] += length
            ran[module] += length * is_met
            count[module] += is_met
    chosen = set()
    for is_met, _, name in all_functions:
        if not is_met:
            continue
        whole = (
            module + "*"
            for module in modules(name)
            if ran[module] >= SHARE * size[module] and count[module] > 1 and size[module] < LARGEST_MODULE
        )
        chosen.add(next(whole, pattern(name)))
    return sorted(chosen)


def lines(words):
    line = "   "
    for word in words:
        if len(line) + len(word) > WIDTH and line.strip():
            yield line
            line = "   "
        line += " " + word
    yield line


def main():
    map_of_program, met = sys.argv[1:]
    with open(met, encoding="ascii") as file:
        places = {int(line, 16) for line in file}
    sys.stdout.write(HEAD + "\n".join(lines(patterns(sections(map_of_program), places))) + TAIL)


main()
