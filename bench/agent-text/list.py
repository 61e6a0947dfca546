"""Makes crates/sysmond/agent-text.ld from the functions that ran.

    list.py MAP MET

MAP is the linker's; MET has the places of the functions that ran, hexadecimal, a line each. Names of their sections
lose what differs from one build to the next: hashes, numbers of crates, marks of copies. A name is as short as it can
be without standing for much that did not run.
"""

import bisect
import collections
import re
import sys

# What has to have run of the bytes for which a name's beginning stands.
SHARE = 0.9
# What a beginning may stand for at most, bytes: of a large module some part always comes to run.
LARGEST = 200_000
# Columns of the list.
WIDTH = 200

# A piece of code: its bytes, and those of them that ran.
Piece = collections.namedtuple("Piece", "name size ran")

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


def pieces(code, met):
    """By name; what has one name is one piece."""
    size, ran = collections.Counter(), collections.Counter()
    met = sorted(met)
    for at, length, name in code:
        place = bisect.bisect_left(met, at)
        size[pattern(name)] += length
        ran[pattern(name)] += length * (place < len(met) and met[place] < at + length)
    return sorted(Piece(name, size[name], ran[name]) for name in size)


def patterns(some, depth):
    """The shortest beginnings, of DEPTH characters and more, that stand for those of `some` that ran."""
    ran, size = sum(one.ran for one in some), sum(one.size for one in some)
    if not ran:
        return
    if len(some) == 1:
        yield some[0].name
        return
    beginning = some[0].name[:depth]
    if ran >= SHARE * size and size < LARGEST:
        yield beginning if beginning.endswith("*") else beginning + "*"
        return
    groups = collections.defaultdict(list)
    for one in some:
        groups[one.name[: depth + 1]].append(one)
    for group in groups.values():
        yield from patterns(group, depth + 1)


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
    names = patterns(pieces(sections(map_of_program), places), len(".text._"))
    sys.stdout.write(HEAD + "\n".join(lines(names)) + TAIL)


main()
