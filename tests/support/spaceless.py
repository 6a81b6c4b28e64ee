"""Utterances in MASSIVE's row format, in scripts without spaces between words."""

import json
import random
from itertools import product
from pathlib import Path

Forms = dict[str, list[str]]
FORMS: dict[str, Forms] = {
    "th-TH": {
        "alarm_set": [
            "ปลุก ฉัน ตอน {time}",
            "ตั้งนาฬิกาปลุก {time} ให้หน่อย",
            "{date} ปลุกตอน {time}",
        ],
        "weather_query": [
            "อากาศ {date} เป็นอย่างไร",
            "{date} ฝนจะตกไหม",
            "{date} ที่ {place_name} หนาวไหม",
        ],
        "iot_hue_lighton": [
            "เปิดไฟใน {house_place}",
            "ช่วยเปิดไฟ {house_place} ที",
            "{house_place} มืดไปหน่อย",
        ],
        "iot_hue_lightoff": [
            "ปิดไฟใน {house_place}",
            "ดับไฟ {house_place} ได้แล้ว",
            "{house_place} สว่างเกินไป",
        ],
    },
    "ja-JP": {
        "alarm_set": [
            "{time} に起こして",
            "{date} の {time} に目覚ましをかけて",
            "アラームを {time} にお願い",
        ],
        "weather_query": [
            "{date} の天気は",
            "{date} は {place_name} で雨が降る",
            "{place_name} は {date} 寒いかな",
        ],
        "iot_hue_lighton": [
            "{house_place} の電気をつけて",
            "{house_place} が暗いよ",
            "明かりを {house_place} につけてくれる",
        ],
        "iot_hue_lightoff": [
            "{house_place} の電気を消して",
            "{house_place} が明るすぎる",
            "もう {house_place} の照明は要らない",
        ],
    },
}
VALUES: dict[str, Forms] = {
    "th-TH": {
        "time": [
            "เก้าโมงเช้า",
            "สี่ทุ่ม",
            "บ่ายสองโมง",
            "หกโมงเย็น",
            "เที่ยงคืน",
            "ตีห้า",
        ],
        "date": [
            "วันศุกร์",
            "พรุ่งนี้",
            "วันอาทิตย์",
            "มะรืนนี้",
            "สัปดาห์หน้า",
            "คืนนี้",
        ],
        "place_name": [
            "กรุงเทพ",
            "เชียงใหม่",
            "ภูเก็ต",
            "ขอนแก่น",
        ],
        "house_place": [
            "ห้องนอน",
            "ห้องครัว",
            "ห้องน้ำ",
            "โรงรถ",
            "ห้องนั่งเล่น",
            "ระเบียง",
        ],
    },
    "ja-JP": {
        "time": [
            "午前九時",
            "夜十時",
            "午後二時半",
            "朝六時",
            "正午",
            "五時十五分",
        ],
        "date": [
            "金曜日",
            "明日",
            "来週の日曜日",
            "あさって",
            "今晩",
            "週末",
        ],
        "place_name": [
            "東京",
            "大阪",
            "札幌",
            "ロンドン",
        ],
        "house_place": [
            "寝室",
            "台所",
            "リビング",
            "ガレージ",
            "玄関",
            "お風呂場",
        ],
    },
}
WISHES: dict[str, list[str]] = {
    "th-TH": [
        "",
        "ขอโทษนะ ",
        "ตอนนี้ ",
        "เธอ ",
        "ฟังนะ ",
    ],
    "ja-JP": [
        "",
        "すみません ",
        "ねえ ",
        "ちょっと ",
        "オリー ",
    ],
}
COUNT = 200


def write_massive(folder: Path, locale: str) -> None:
    """`COUNT` rows of a locale: 120 of train, 40 of dev, 40 of test, all different.

    As upstream has them, Japanese texts have no spaces, and their annotations have some around
    slots; Thai ones have the same spaces in both.
    """
    rng = random.Random(locale)
    found = sorted(_utterances(locale))
    rng.shuffle(found)
    folder.mkdir(parents=True)
    with (folder / f"{locale}.jsonl").open("w", encoding="utf-8") as stream:
        for number, (annotated, plain, intent) in enumerate(found[:COUNT]):
            row = {
                "id": str(number),
                "locale": locale,
                "partition": "train" if number < 120 else "dev" if number < 160 else "test",
                "scenario": intent.partition("_")[0],
                "intent": intent,
                "utt": plain.replace(" ", "") if locale == "ja-JP" else plain,
                "annot_utt": annotated,
                "worker_id": "1",
            }
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")


def _utterances(locale: str) -> set[tuple[str, str, str]]:
    """Annotated text, plain text and intent of every utterance that there is."""
    found = set()
    for intent, forms in FORMS[locale].items():
        for form, wish in product(forms, WISHES[locale]):
            slots = [name for name in VALUES[locale] if f"{{{name}}}" in form]
            for values in product(*(VALUES[locale][name] for name in slots)):
                filled = dict(zip(slots, values, strict=True))
                marked = {name: f"[{name} : {value}]" for name, value in filled.items()}
                found.add((wish + form.format(**marked), wish + form.format(**filled), intent))
    return found
