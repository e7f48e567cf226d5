"""Entry point of the command `exposure`. It imports nothing at module level: every worker process of an import loads this file again."""


def main() -> None:
    """Run the command line."""
    from app.cli import run_command_line  # noqa: PLC0415  worker processes must not load the command line

    run_command_line()


if __name__ == "__main__":
    main()
