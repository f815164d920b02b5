"""Words that invented products and vendors are called by, some made to do harm."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split(", "))


_BARS = _words("bar, pair of bars, set of 3, set of 6, gift box, large bar, guest size, refill")
_PIECES = _words("single, pair, set of 3, set of 6, gift box, large, small, tall")
_SIZES = _words("15 cm, 20 cm, 25 cm, 30 cm, 35 cm, 40 cm, 50 cm, 60 cm")
_PACKS = _words("single, pack of 5, pack of 10, pack of 20, box of 50, A4, A5, A6")
_SCENTS = _words(
    "Olive, Lavender, Cedar, Rose, Lemon, Oat and honey, Sea salt, Fig, Peppermint, Vanilla"
)
_COLOURS = _words("White, Ivory, Sage, Navy, Terracotta, Charcoal, Mustard, Sky blue, Forest, Rose")
_MAKES = _words(
    "Oak, Bamboo, Enamel, Stoneware, Walnut, Copper, Glass, Slate, Porcelain, Cast-iron"
)
_WOVEN = _words("Seagrass, Willow, Jute, Rattan, Cotton rope, Felt, Linen, Bamboo, Wire, Oak")
_PATTERNS = _words(
    "Wild flower, Botanical, Striped, Dotted, Marbled, Bird, Citrus, Starry, Map, Plain"
)
GOODS = (
    ("Bath", _SCENTS, "soap", _BARS),
    ("Home", _SCENTS, "candle", _PIECES),
    ("Kitchen", _COLOURS, "mug", _PIECES),
    ("Garden", _COLOURS, "lantern", _SIZES),
    ("Home", _COLOURS, "cushion", _SIZES),
    ("Kitchen", _MAKES, "teapot", _PIECES),
    ("Home", _WOVEN, "basket", _SIZES),
    ("Home", _MAKES, "clock", _SIZES),
    ("Kitchen", _COLOURS, "storage tin", _PIECES),
    ("Stationery", _PATTERNS, "greeting card", _PACKS),
    ("Bath", _SCENTS, "bath salts", _PIECES),
    ("Bath", _COLOURS, "hand towel", _PIECES),
    ("Kitchen", _MAKES, "serving board", _SIZES),
    ("Garden", _MAKES, "planter", _SIZES),
    ("Home", _COLOURS, "throw", _PIECES),
    ("Kitchen", _PATTERNS, "tea towel", _PIECES),
    ("Garden", _COLOURS, "watering can", _PIECES),
    ("Home", _PATTERNS, "vase", _SIZES),
    ("Kitchen", _MAKES, "mixing bowl", _SIZES),
    ("Stationery", _PATTERNS, "notebook", _PACKS),
    ("Bath", _SCENTS, "hand cream", _PIECES),
    ("Home", _SCENTS, "room diffuser", _PIECES),
    ("Kitchen", _COLOURS, "cereal bowl", _PIECES),
    ("Garden", _WOVEN, "garden trug", _SIZES),
    ("Home", _WOVEN, "laundry hamper", _SIZES),
    ("Kitchen", _PATTERNS, "apron", _PIECES),
    ("Home", _MAKES, "picture frame", _SIZES),
    ("Home", _MAKES, "coaster", _PIECES),
    ("Kitchen", _MAKES, "pepper mill", _SIZES),
    ("Stationery", _PATTERNS, "wrapping paper", _PACKS),
)
"""What a gift and home shop sells: category, what tells one from another, the thing, its sizes."""
VENDORS = _words(
    "Northgate Ceramics, Olive Grove Soapworks, Harbour Candle Company, Alder & Ash, "
    "Meadow Paper, Blue Heron Textiles, Copper Lane Kitchenware, Willow Basketry, "
    "Stonebridge Pottery, Linden Home, Saltmarsh Bath, Kestrel Trading, Fern & Clay, "
    "Bright Tin Factory, Oakfield Woodcraft, Riverside Glass, Lantern House, Thistle Mills, "
    "Old Mill Stationers, Garden Row Supply, Hillside Enamel, Wren & Sons, Seaview Linen, "
    "Maple Street Imports, Juniper Wholesale"
)
CATEGORIES = ("Bath", "Kitchen", "Home", "Garden", "Stationery", None)
"""None = one product in six has no category."""
ODD_NAMES = (
    "<script>alert(1)</script> soap",
    '=HYPERLINK("http://x.example","mug")',
    "line\r\nbreak candle",
    "\u202ereversed\u202c lantern",
    "Teekanne für Gäste ☕",
)
