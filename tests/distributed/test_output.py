import io

from densefit.distributed.output import Output


def printed(*lines_of_ranks, first=0, shows_all=False, encoding="utf-8"):
    """Standard error of ranks that write some lines each, one rank after the other."""
    sink = io.TextIOWrapper(io.BytesIO(), encoding, newline="")
    output = Output(first, shows_all, sink, sink)
    for number, lines in enumerate(lines_of_ranks):
        text = "".join(line + "\n" for line in lines)
        output.follow(first + number, io.BytesIO(), io.BytesIO(text.encode()))
    output.finish(5.0)
    return sink.buffer.getvalue().decode(encoding).splitlines()


def test_what_all_ranks_say_is_printed_once():
    warnings = ["one", "two", "two"]
    assert printed(warnings, warnings, warnings) == ["[0] one", "[0] two", "[0] two"]


def test_what_some_ranks_say_is_printed_once_with_the_number_of_one():
    assert printed(["a"], ["b"], ["b", "c"]) == ["[0] a", "[1] b", "[2] c"]
    assert printed(["b"], ["b", "b"], first=4) == ["[4] b", "[5] b"]


def test_a_traceback_is_compared_with_its_places():
    head = "Traceback (most recent call last):"
    first = [head, "  File a", "ValueError: x", "  fix: y"]
    other = [head, "  File b", "ValueError: x", "  fix: y"]
    assert printed(first, other) == [
        *(f"[0] {line}" for line in first),
        *("[1] " + head, "[1]   File b"),
    ]


def test_all_lines_on_request():
    assert sorted(printed(["a"], ["a"], shows_all=True)) == ["[0] a", "[1] a"]


def test_characters_that_the_terminal_lacks_are_escaped():
    assert printed(["\u00e4 \u2192"], encoding="ascii") == ["[0] \\xe4 \\u2192"]


def test_a_rank_is_read_though_nobody_reads_the_launcher():
    class Closed(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    source = io.BytesIO(b"x\n" * 1000)
    output = Output(0, False, Closed(), None)
    output.follow(0, source, io.BytesIO(b"nowhere\n"))
    output.finish(5.0)
    assert not source.read()
