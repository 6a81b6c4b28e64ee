"""Texts that every export is compared on: of several scripts, lengths and signs."""

SAMPLES = (
    "turn on the kitchen lights",
    "Turn ON the lights in 2 rooms, please!",
    "  two  blanks,\ta tab\nand a line  ",
    "What about the 15% discount on order #4711-B (€ 12.50)?",
    "I can't log in since yesterday; the password e-mail never arrived.",
    "Schalte bitte die Heizung im Gästezimmer aus.",
    "¿Cuál es el tiempo en São Paulo mañana?",
    "включи свет на кухне",
    "把客厅的灯关掉",
    "เปิดไฟในห้องครัว",
    "أطفئ الأنوار في المطبخ",
    "रसोई की बत्ती जलाओ",
    "great 👍🏽 👨‍👩‍👧 service",
    "x",
    "The committee met on Tuesday to discuss the budget, the new library and the state of the "
    "roads, and decided to postpone every one of these matters until the autumn.",
)
SPELLED = "what a text spells out: {} is text"
"""With a control token of the tokenizer, which is no control token in a text."""
