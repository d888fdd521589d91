"""Every link of a site's pages leads to a page of it, and to a heading where it names one: links.py FOLDER."""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

site = Path(sys.argv[1]).resolve()


class Page(HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.links, self.ids = [], set()
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if "id" in attributes:
            self.ids.add(attributes["id"])
        for name in ["href", "src"]:
            if attributes.get(name):
                self.links.append(attributes[name])


pages = {path: Page(path) for path in site.rglob("*.html")}
faults, followed = [], 0
for path, page in pages.items():
    # All of them on one page, for printing: mdBook renames headings there. The other is shown at any address.
    if path.name in ["print.html", "404.html"]:
        continue
    for link in page.links:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        followed += 1
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        if target.is_dir():
            target /= "index.html"
        if not target.exists():
            faults.append(f"{path.relative_to(site)}: {link} is not there")
        elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].ids:
            faults.append(f"{path.relative_to(site)}: {link}: there is no such heading")
print("\n".join(faults))
assert followed > 500, followed
sys.exit(1 if faults else 0)
