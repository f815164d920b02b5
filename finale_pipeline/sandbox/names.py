"""Words that invented products and vendors are called by, some made to do harm."""

THINGS = ("soap", "candle", "mug", "lantern", "cushion", "teapot", "basket", "clock", "tin", "card")
KINDS = (
    "olive",
    "rustic",
    "ivory",
    "glass",
    "woven",
    "enamel",
    "folding",
    "travel",
    "oak",
    "slate",
)
SETS = ("single", "pair", "set of 3", "set of 6", "gift box", "large", "small", "refill")
CATEGORIES = ("Bath", "Kitchen", "Home", "Garden", "Stationery", None)
ODD_NAMES = (
    "<script>alert(1)</script> soap",
    '=HYPERLINK("http://x.example","mug")',
    "line\r\nbreak candle",
    "\u202ereversed\u202c lantern",
    "Teekanne für Gäste ☕",
)
