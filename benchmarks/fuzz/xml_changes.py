"""Changes of the elements of XML."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from random import Random

_TEXTS = (
    *("nan", "inf", "-5", "1e30", "1e400", "0", "", " ", "x", "1,5", "0x10", "1_0", "３", "\u0661"),
    *("12.5", "../../etc/passwd", "/etc/passwd", "1" * 5000, "true", "&#0;", "<![CDATA[5]]>", "-0"),
)
_BOMB = '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefgh", "bcdefghi")
)
_FOREIGN = '<!DOCTYPE a [<!ENTITY i SYSTEM "file:///etc/passwd">'
_HEADS = ("utf-8", "gb2312", "shift_jis", "big5", "latin-1", "utf-16", "ucs-4", "none", "utf-7")


def change_xml(data: bytes, rng: Random) -> bytes:
    """An element is missing, twice, empty, elsewhere or of another content; or the prolog is."""
    root = ElementTree.fromstring(data)
    described = [element for element in root.iter() if element.attrib]
    if described and rng.random() < 0.5:
        return _change_attribute(root, rng.choice(described), rng)
    parents = [(parent, child) for parent in root.iter() for child in parent]
    parent, child = rng.choice(parents)
    how = rng.randrange(12)
    if how == 0:
        parent.remove(child)
    elif how == 1:
        parent.insert(rng.randrange(len(parent) + 1), child)
    elif how == 2:
        parent.remove(child)
        rng.choice(parents)[0].append(child)
    elif how == 3:
        child.clear()
    elif how in (4, 5, 6):
        leaves = [one for _, one in parents if not len(one)]
        mark = "REPLACED"
        rng.choice(leaves).text = mark
        return ElementTree.tostring(root).replace(mark.encode(), rng.choice(_TEXTS).encode())
    elif how == 7:
        child.tag = rng.choice((child.tag.upper(), f"{child.tag}s", "name", "object", "bndbox"))
    elif how == 8:
        leaves = [one for _, one in parents if not len(one)]
        rng.choice(leaves).text = "REPLACED"
        text = ElementTree.tostring(root, encoding="unicode").replace("REPLACED", "&i;")
        return f"{rng.choice((_BOMB, _FOREIGN))}]>{text}".encode()
    elif how == 9:
        name = rng.choice(_HEADS)
        text = ElementTree.tostring(root, encoding="unicode").replace("dog", "犬")
        try:
            body = text.encode(rng.choice((name, "utf-8")), "replace")
        except LookupError:
            body = text.encode()
        return f'<?xml version="1.0" encoding="{name}"?>\n'.encode() + body
    elif how == 10:
        depth = rng.choice((10, 20_000))
        end = f"</{root.tag}>".encode()
        return data.replace(end, b"<a>" * depth + b"</a>" * depth + end)
    else:
        comment = rng.choice(
            (b"<!-- x -->", b"<?x y?>", b'<x xmlns="http://x/"/>', b"text", b"&x;")
        )
        place = rng.choice([i for i, c in enumerate(data) if c == ord("<")])
        return data[:place] + comment + data[place:]
    return ElementTree.tostring(root)


def _change_attribute(
    root: ElementTree.Element, element: ElementTree.Element, rng: Random
) -> bytes:
    """An attribute is missing, of another element, or of another content."""
    name = rng.choice(sorted(element.attrib))
    how = rng.randrange(4)
    if how == 0:
        del element.attrib[name]
    elif how == 1:
        others = [one for one in root.iter() if one.attrib]
        element.attrib[name] = rng.choice(sorted(rng.choice(others).attrib.values()))
    elif how == 2:
        text = element.attrib[name]
        place = rng.randrange(len(text) + 1)
        element.attrib[name] = text[:place] + rng.choice(_TEXTS[:16]) + text[place + 1 :]
    else:
        element.attrib[name] = rng.choice(_TEXTS[:16])
    return ElementTree.tostring(root)
