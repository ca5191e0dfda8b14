"""Runs the examples of a page of docs/ as its readers would: block after block, in one directory, from the top down."""

import contextlib
import io
import os
import re
import subprocess
from typing import NamedTuple

FENCE = re.compile(r'^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```[ \t]*$', re.MULTILINE | re.DOTALL)
LANGUAGES = ('bash', 'python')
BLOCK_SECONDS = 120

# Names (variables, functions) live on from one bash block of a page to the next; the first lines bring them back.
BASH = """set -euo pipefail
[ -f "$PAGE_STATE" ] && . "$PAGE_STATE"
set -a
{block}
set +a
{{ declare -f; export -p; }} >"$PAGE_STATE"
env -0 >"$PAGE_STATE.env"
"""


class Block(NamedTuple):
    """An example: where it begins in its file, and what it must print (`None`: anything)."""

    line: int
    language: str
    text: str
    output: str | None


def blocks_of(markdown):
    """The bash and python blocks of a page. One that says `no-run` after its language is left out."""
    found = []
    previous_end = None
    for fence in FENCE.finditer(markdown):
        language, *flags = fence['info'].split() or ['']
        line = markdown.count('\n', 0, fence.start()) + 2
        if language == 'output':
            # What a block prints stands right below it.
            assert found and previous_end and not markdown[previous_end : fence.start()].strip(), (
                f'line {line}: the output belongs to no block'
            )
            found[-1] = found[-1]._replace(output=fence['text'])
        elif language in LANGUAGES and 'no-run' not in flags:
            found.append(Block(line, language, fence['text'], None))
            previous_end = fence.end()
            continue
        previous_end = None
    return found


class Page:
    """One page being read in a directory: bash blocks share their names, python blocks theirs, both the environment."""

    def __init__(self, directory, environment):
        self.directory = directory
        self.environment = {**environment, 'PAGE_STATE': str(directory / '.page-state')}
        self.names = {'__name__': '__main__'}

    def run(self, block):
        """What the block printed. Fails as the block fails, and where it prints something else than the page says."""
        printed = self.bash(block) if block.language == 'bash' else self.python(block)
        if block.output is not None:
            assert matches(block.output, printed), f'line {block.line} printed:\n{printed}\ninstead of:\n{block.output}'
        return printed

    def bash(self, block):
        done = subprocess.run(
            ['bash', '-c', BASH.format(block=block.text)],
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=BLOCK_SECONDS,
        )
        assert done.returncode == 0, f'line {block.line} ended with {done.returncode}:\n{done.stdout}{done.stderr}'
        state = (self.directory / '.page-state.env').read_text()
        self.environment = dict(entry.split('=', 1) for entry in state.split('\0') if entry)
        return done.stdout

    def python(self, block):
        printed = io.StringIO()
        before, directory = dict(os.environ), os.getcwd()
        os.environ.clear()
        os.environ.update(self.environment)
        os.chdir(self.directory)
        try:
            with contextlib.redirect_stdout(printed):
                # Blank lines above it, so that a traceback names the line of the page.
                exec(compile('\n' * (block.line - 1) + block.text, '<page>', 'exec'), self.names)
            self.environment = dict(os.environ)
        finally:
            os.chdir(directory)
            os.environ.clear()
            os.environ.update(before)
        return printed.getvalue()


def matches(expected, printed):
    """Whether it was printed, but for space at the ends of lines; `...` stands for anything."""
    wanted, got = ('\n'.join(line.rstrip() for line in text.strip().splitlines()) for text in (expected, printed))
    return re.fullmatch('.*?'.join(map(re.escape, wanted.split('...'))), got, re.DOTALL) is not None
