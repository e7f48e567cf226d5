"""Turning a template into a page. Everything that is filled in is escaped; a name that a template misses is an error, not a gap."""

from functools import partial
from pathlib import Path

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse

from app.faces.http.padding import MIN_PAGE_BLOCKS, pad_response
from app.faces.web import cookies
from app.faces.web.assets import STYLE
from app.faces.web.language import chosen_now, locale_of, spell_date, spell_moment
from app.faces.web.texts import TEXTS

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.globals["style"] = STYLE


def render_page(
    request: Request,
    template: str,
    *,
    current_path: str,
    status: int = 200,
    alert: str | None = None,
    is_personal: bool = False,
    **context: object,
) -> HTMLResponse:
    """Write a page in the person's language.

    Args:
        request: asks for it.
        template: its file.
        here: the address at which a GET shows this step, for the other language.
        status: of the answer.
        alert: what the person must notice first.
        personal: whether it says what leaked of somebody, so that its length must not.
        context: what else the template names.
    """
    locale = locale_of(request)
    texts = TEXTS[locale]
    content = TEMPLATES.get_template(template).render(
        t=texts,
        locale=locale,
        current_path=current_path,
        alert=alert,
        date=partial(spell_date, texts),
        moment=partial(spell_moment, texts),
        has_session=cookies.session_token(request) is not None,
        **context,
    )
    written = content.encode()
    response = HTMLResponse(
        pad_response(written, min_blocks=MIN_PAGE_BLOCKS) if is_personal else written, status, {"Content-Language": locale}
    )
    if chosen_now(request) is not None:
        cookies.keep_language(request, response, locale)
    return response


def redirect(address: str) -> RedirectResponse:
    """Send the browser on to another page, so that loading it anew repeats nothing."""
    return RedirectResponse(address, 303)
