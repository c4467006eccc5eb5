# SPDX-License-Identifier: Apache-2.0
"""Every format as a source once and as a relay once, live, all at the same time, with nothing configured but the
interface. The whole matrix is `make demo FORMATS=1`."""
import demo_formats
import support

SECONDS = 18


def each_format_into_another():
    matrix = demo_formats.Matrix()
    with support.Namespaces("matrix") as namespaces:
        matrix.run(demo_formats.each_once(), SECONDS, namespaces.add("host"))
    problems = matrix.problems()
    assert not problems, "; ".join(problems)
    return matrix.summary()


if __name__ == "__main__":
    support.main("matrix", [each_format_into_another])
