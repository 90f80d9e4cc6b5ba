"""The pages' commands are found, run in order, and a failing one is noticed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.commands import bash_blocks, run_page

PAGE = """# A page

```bash
word=one
cat > file.txt <<'EOF'
two
EOF
```

```console
$ false
```

```bash
echo "$word $(cat file.txt) in $(basename "$HOME")"
```
"""


def test_blocks_of_other_languages_are_left_out() -> None:
    assert [block.splitlines()[0] for block in bash_blocks(PAGE)] == [
        "word=one",
        'echo "$word $(cat file.txt) in $(basename "$HOME")"',
    ]


def test_a_page_runs_in_one_shell(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE, encoding="utf-8")
    assert run_page(page, tmp_path).output == f"one two in {tmp_path.name}\n"


def test_a_command_that_fails_in_the_middle_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```bash\necho before\nfalse | cat\necho after\n```\n", encoding="utf-8")
    with pytest.raises(AssertionError, match=r"exit 1\nbefore\n$"):
        run_page(page, tmp_path)


def test_a_page_without_commands_is_an_error(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```console\n$ ls\n```\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="no bash block"):
        run_page(page, tmp_path)


def test_our_variables_are_not_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KC_LOG_LEVEL", "debug")
    page = tmp_path / "page.md"
    page.write_text('```bash\necho "${KC_LOG_LEVEL:-none} ${KC_CONFIG:-none}"\n```\n', encoding="utf-8")
    assert run_page(page, tmp_path, variables={"KC_CONFIG": "x.toml"}).output == "none x.toml\n"
