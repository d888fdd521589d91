"""What becomes of the tools' schemas on the way to a model: the vendor's own converter may lose nothing of them."""

from checks import check, expect


async def check_converted(driver):
    """`driver.converted()` gives each tool's name with the JSON schema that the model is shown and its description."""
    if driver.converted:
        await check("schemas", converted(driver))


async def converted(driver):
    tools = {tool["name"]: tool for tool in (one.model_dump(by_alias=True) for one in await driver.listed())}
    shown = await driver.converted()
    expect(list(shown) == list(tools), f"shown are {list(shown)}")
    properties = 0
    for name, (schema, description) in shown.items():
        expect(description == tools[name]["description"], f"{name}: its description became {description}")
        properties += compare(name, tools[name]["inputSchema"], schema, driver.strict)
    expect(properties > 20, f"only {properties} properties")
    return f"{len(shown)} tools, {properties} properties"


def compare(where, sent, shown, strict):
    """Fails where a word of `sent` is missing; counts the properties. `strict`: the converter makes all of them required."""
    kind = str(getattr(shown.get("type"), "value", shown.get("type"))).lower()
    expect(kind == sent["type"], f"{where}: {sent['type']} became {kind}")
    for word in ("description", "enum"):
        expect(shown.get(word) == sent.get(word), f"{where}: {word} {sent.get(word)} became {shown.get(word)}")
    if "items" in sent:
        compare(f"{where}[]", sent["items"], shown["items"], strict)
    properties = sent.get("properties", {})
    expect(set(shown.get("properties") or {}) == set(properties), f"{where}: other properties: {shown}")
    required = properties if strict else sent.get("required", [])
    expect(sorted(shown.get("required") or []) == sorted(required), f"{where}: required is {shown.get('required')}")
    below = (compare(f"{where}.{name}", one, shown["properties"][name], strict) for name, one in properties.items())
    return len(properties) + sum(below)
