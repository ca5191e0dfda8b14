"""Every example of docs/ does what its page says. How pages are run: CONTRIBUTING.md, "Examples in docs"."""

import os
from pathlib import Path

import pytest
from pages import Page, blocks_of, matches

DOCS = Path(__file__).resolve().parents[2] / 'docs'
PAGES = [path for path in sorted(DOCS.glob('*.md')) if blocks_of(path.read_text())]


@pytest.fixture
def page(credentials, directory):
    kept = {name: os.environ[name] for name in ('PATH', 'HOME', 'TMPDIR') if name in os.environ}
    return Page(directory, {**kept, 'URL': credentials.url, 'KEY': credentials.api_key})


@pytest.mark.parametrize('path', PAGES, ids=[path.name for path in PAGES])
def test_the_examples_of_the_page_work(path, page):
    for block in blocks_of(path.read_text()):
        page.run(block)


def test_a_page_is_read_from_the_top_down(page):
    source = (
        '```bash\nsay() { echo "said $1"; }\nNAME=Ada\ncd /tmp\n```\n\n'
        '```bash no-run\nexit 1\n```\n\n'
        '```json\n{}\n```\n\n'
        '```python\nimport os\nname = os.environ["NAME"]\nos.environ["OTHER"] = "Grace"\n```\n\n'
        '```python\nprint(name)\n```\n\n```output\nAda\n```\n\n'
        '```bash\nsay "$NAME $OTHER" >here.txt; cat here.txt\n```\n\n```output\nsaid ... Grace\n```\n'
    )
    blocks = blocks_of(source)
    assert [(block.language, block.line) for block in blocks] == [
        ('bash', 2),
        ('python', 16),
        ('python', 22),
        ('bash', 30),
    ]
    assert [page.run(block) for block in blocks][2:] == ['Ada\n', 'said Ada Grace\n']


@pytest.mark.parametrize(
    'source',
    [
        '```bash\nfalse\ntrue\n```\n',
        '```bash\nfalse | cat\n```\n',
        '```bash\necho $NOT_SET\n```\n',
        '```bash\necho one\n```\n\n```output\ntwo\n```\n',
        '```python\nraise ValueError\n```\n',
        '```python\nprint(1)\n```\n\n```output\n2\n```\n',
    ],
)
def test_an_example_that_fails_or_prints_something_else_is_noticed(source, page):
    with pytest.raises((AssertionError, ValueError)):
        [page.run(block) for block in blocks_of(source)]


def test_an_output_that_belongs_to_no_block_is_noticed():
    with pytest.raises(AssertionError):
        blocks_of('```bash\ntrue\n```\n\nText.\n\n```output\none\n```\n')


@pytest.mark.parametrize(
    ('expected', 'same'), [('a\n', True), ('a ...\nc', True), ('...', True), ('a b  \nc\n', True), ('a b', False), ('.*', False)]
)
def test_what_was_printed_is_compared(expected, same):
    printed = 'a\n' if expected == 'a\n' else 'a b\nc\n'
    assert matches(expected, printed) is same
