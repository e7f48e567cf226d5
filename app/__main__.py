"""Entry point of the command `exposure`. It imports nothing at module level: every worker process of an import loads this file again."""


def main() -> None:
    """Run the command line."""
    from app.main import main as run  # noqa: PLC0415  worker processes must not load the whole application

    run()


if __name__ == "__main__":
    main()
