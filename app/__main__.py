"""The command `exposure`, which holds nothing but its start: each process that works for an import reads this file again."""


def main() -> None:
    """Run the command line."""
    from app.main import main as run  # noqa: PLC0415  what a worker needs of it, it imports itself

    run()


if __name__ == "__main__":
    main()
