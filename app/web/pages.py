"""Render templates. All values are escaped; an undefined name in a template raises."""

from functools import partial
from pathlib import Path

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse

from app.http.padding import pad_response
from app.web import cookies
from app.web.assets import STYLESHEET_URL
from app.web.language import format_date, format_datetime, locale_of, requested_locale
from app.web.texts import TEXTS

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.globals["stylesheet_url"] = STYLESHEET_URL


def render_page(
    request: Request,
    template: str,
    *,
    current_path: str,
    status: int = 200,
    alert: str | None = None,
    min_blocks: int = 0,
    **context: object,
) -> HTMLResponse:
    """Render a template in the language of the request.

    Args:
        request: the current request.
        template: file name of the template.
        current_path: path of this page, for the link to the other language.
        status: HTTP status code.
        alert: message at the top of the page.
        min_blocks: minimum size of a page that shows anything about a person, to hide it in the length; 0: the page is not padded.
        context: further template variables.
    """
    locale = locale_of(request)
    texts = TEXTS[locale]
    html = TEMPLATES.get_template(template).render(
        t=texts,
        locale=locale,
        current_path=current_path,
        alert=alert,
        format_date=partial(format_date, texts),
        format_datetime=partial(format_datetime, texts),
        **context,
    )
    content = html.encode()
    response = HTMLResponse(
        pad_response(content, min_blocks=min_blocks) if min_blocks else content,
        status,
        {"Content-Language": locale},
    )
    if requested_locale(request) is not None:
        cookies.set_language(request, response, locale)
    return response


def redirect(address: str) -> RedirectResponse:
    """Redirect to another page with 303 See Other, so that a reload does not submit the form again."""
    return RedirectResponse(address, 303)
