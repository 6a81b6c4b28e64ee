"""Values for the lists that Home Assistant's templates leave to the user.

The values of a list are separated by commas. Of every six values, the fifth occurs only in dev rows
and the sixth only in held-out rows, so that a model can't score by remembering values.
"""

from collections.abc import Mapping


def _list(values: str) -> tuple[str, ...]:
    return tuple(" ".join(value.split()) for value in values.split(","))


LISTS: Mapping[str, tuple[str, ...]] = {
    "area": _list(
        """
        kitchen, living room, bedroom, bathroom, attic, sunroom, dining room, office, garage,
        hallway, mudroom, wine cellar, guest room, laundry room, nursery, basement, home gym,
        craft room, master bedroom, entryway, patio, kids room, reading nook, veranda, study,
        pantry, backyard, playroom, workshop, powder room, den, balcony, front yard, library,
        breakfast nook, boot room, terrace, porch, media room, closet, greenhouse, music room,
        garden, upstairs bathroom, walk in closet, utility room, conservatory, tool shed
        """
    ),
    "floor": _list(
        """
        ground, first, second, third, top, lower, upstairs, downstairs, main, basement, mezzanine,
        attic, upper, middle, garden, cellar, fourth, loft
        """
    ),
    "zone": _list(
        """
        work, school, the gym, grandma's house, daycare, the marina, the office, university,
        the park, the supermarket, the climbing hall, the allotment, the library, church,
        the train station, the airport, the dentist, the stables, the lake, the farm,
        the cottage, the club, the shipyard, the clinic
        """
    ),
    "message": _list(
        """
        dinner is ready, the taxi is here, time to leave for school, please come downstairs,
        the pizza has arrived, breakfast is on the table, the movie starts in ten minutes,
        lights out in half an hour, grandma is at the door, the laundry is done,
        somebody left the fridge open, the plumber is on his way, we are leaving now,
        wash your hands, bedtime everyone, your parcel was delivered, turn your music down,
        i am home, the dog needs a walk, tea is served, be quiet the baby is asleep,
        the bus comes in five minutes, the cake is out of the oven, pack your swimming things,
        lunch will be late today, the car is charged, guests arrive at seven,
        someone rang the doorbell, do not forget your umbrella, the power goes off at noon,
        homework before games, take the bins out, the game is about to start,
        feed the cat, board meeting in the den, the sauna is warm now
        """
    ),
    "search_query": _list(
        """
        bohemian rhapsody, abbey road, miles davis, the lion king, jazz for a rainy day,
        this american life, dark side of the moon, taylor swift, stranger things, beethoven,
        hotel california, rumours by fleetwood mac, daft punk, planet earth, smooth jazz classics,
        the beatles, clair de lune, back in black, adele, the office, nina simone, morning coffee,
        serial, spirited away, thriller, radiohead, kind of blue, breaking bad, bob marley,
        the daily, metallica, frozen, summer hits, johnny cash, sesame street, vivaldi,
        wonderwall, arctic monkeys, star wars, workout mix, billie eilish, the crown, coldplay,
        purple rain, hamilton, deep focus, dolly parton, moonlight sonata, bruce springsteen,
        jurassic park, lullabies, queen, sherlock, imagine by john lennon, bluey, rain sounds,
        stairway to heaven, louis armstrong, doctor who, the queen's gambit
        """
    ),
    "timer_name": _list(
        """
        pizza, pasta, egg, laundry, sourdough, sauna, tea, oven, rice, homework, roast, piano,
        chicken, bread, cookie, workout, marinade, meditation, nap, potato, dishwasher, cake,
        steak, reading, washing machine, lasagna, coffee, dryer, yoga, parking meter, screen time,
        bath, barbecue, toothbrush, risotto, incense
        """
    ),
    "timer_command": _list(
        """
        turn off the lights, open the blinds, lock the front door, pause the music,
        stop the fan, close the skylight, turn on the heater, switch off the tv,
        start the vacuum, close the garage door, dim the chandelier, drain the pool,
        turn on the coffee maker, turn off the oven, open the curtains, mute the speaker,
        unlock the gate, water the lawn, play some music, turn on the porch light,
        lower the shades, shut the window, warm up the sauna, feed the fish,
        turn off all the lights, resume the podcast, raise the blinds, turn up the volume,
        boil the kettle, arm the alarm
        """
    ),
    "shopping_list_item": _list(
        """
        milk, eggs, bread, butter, quinoa, tofu, apples, bananas, coffee, orange juice, chard,
        kombucha, toilet paper, dish soap, chicken breast, tomatoes, hazelnuts, sardines, cheese,
        yogurt, olive oil, pasta, oat milk, maple syrup, rice, onions, potatoes, cereal, leeks,
        vanilla extract, garlic, peanut butter, shampoo, paper towels, tortillas, mango chutney,
        carrots, spinach, flour, sugar, coconut water, halloumi, salmon, ground beef, ice cream,
        dog food, bin bags, birthday candles, lettuce, cucumbers, strawberries, honey, tahini,
        sparkling water, batteries, toothpaste, laundry detergent, cat litter, ginger, fig jam
        """
    ),
    "todo_list_item": _list(
        """
        call mom, book the dentist, pay the rent, water the plants, renew the passport,
        sharpen the knives, wash the car, return the library books, clean the gutters,
        buy stamps, back up the laptop, oil the hinges, fix the bike, walk the dog,
        order a cake, mow the lawn, descale the kettle, wax the skis, sunscreen, tent, toothbrush,
        sleeping bag, headlamp, water filter, vacuum the stairs, iron the shirts,
        change the bed sheets, answer the landlord, prune the roses, renew the insurance,
        screws, paint, sandpaper, light bulbs, wood glue, masking tape, plan the party,
        pick up the parcel, file the taxes, email the teacher, cancel the subscription,
        test the smoke alarm, hiking boots, rain jacket, sunglasses, phone charger,
        first aid kit, travel pillow
        """
    ),
}

# {name} by the domain of the device, person, list … that the template is about.
NAMES: Mapping[str, tuple[str, ...]] = {
    "light": _list(
        """
        ceiling light, floor lamp, bedside lamp, desk lamp, chandelier, picture light,
        kitchen island light, porch light, fairy lights, night light, vanity mirror light,
        lava lamp, reading lamp, hallway sconce, tv backlight, pendant, closet strip,
        aquarium light, garden spotlight, dining table lamp, led strip, staircase light,
        string lights, driveway flood light
        """
    ),
    "switch": _list(
        """
        coffee maker, christmas tree, outdoor outlet, kettle, dehumidifier, pond pump, printer,
        space heater, tv plug, sprinkler, towel warmer, espresso machine
        """
    ),
    "fan": _list(
        """
        ceiling fan, tower fan, exhaust fan, desk fan, attic fan, box fan, bathroom fan,
        bedroom fan, range hood, standing fan, pedestal fan, window fan
        """
    ),
    "cover": _list(
        """
        left curtain, bedroom blinds, garage door, patio awning, skylight shade, east shutter,
        kitchen blind, front gate, roller shutter, living room curtains, velux blind,
        greenhouse vent, bay window shades, sun sail, carport door, office blinds,
        balcony awning, side gate
        """
    ),
    "lock": _list(
        """
        front door, back door, side entrance, garden gate, cellar door, bike shed, garage lock,
        office door, patio door, main entrance, mailbox, wine cabinet
        """
    ),
    "valve": _list(
        """
        main water valve, garden valve, sprinkler valve, gas valve, pool valve, rain barrel valve,
        drip irrigation, radiator valve, boiler valve, front lawn valve, hot tub valve,
        cistern valve
        """
    ),
    "climate": _list(
        """
        thermostat, air conditioner, heat pump, radiator, underfloor heating, wine cooler,
        bedroom ac, upstairs thermostat, nest, ecobee, pool heater, sauna heater
        """
    ),
    "media_player": _list(
        """
        tv, living room speaker, kitchen radio, soundbar, projector, gramophone, sonos, apple tv,
        bedroom tv, chromecast, boombox, jukebox, roku, echo dot, home theater, stereo,
        turntable, shower speaker, playstation, receiver, homepod, office speaker, xbox,
        karaoke machine
        """
    ),
    "sensor": _list(
        """
        outdoor temperature, humidity, energy usage, air quality, rain gauge, soil moisture,
        solar power, battery level, water meter, wind speed, co2 level, pool temperature
        """
    ),
    "binary_sensor": _list(
        """
        motion sensor, smoke detector, leak sensor, doorbell, hallway motion, attic leak detector,
        window sensor, phone charger, presence sensor, door sensor, vibration sensor,
        driveway beam
        """
    ),
    "person": _list(
        """
        alice, bob, emma, david, priya, matteo, maria, james, sophie, grandpa, ingrid, hiroshi,
        lucas, aunt helen, olivia, tom, zainab, oskar, noah, grandma, chloe, daniel, fatima, bjorn
        """
    ),
    "weather": _list(
        """
        london, new york, seattle, berlin, lisbon, oslo, paris, chicago, toronto, sydney, nairobi,
        reykjavik, tokyo, the beach house, amsterdam, denver, ljubljana, montevideo
        """
    ),
    "lawn_mower": _list(
        """
        robo mower, backyard mower, husqvarna, grass cutter, front lawn robot, shaun,
        lawn robot, automower, garden robot, worx, meadow bot, billy
        """
    ),
    "vacuum": _list(
        """
        roomba, robot vacuum, dusty, downstairs vacuum, roborock, rosie, vacuum cleaner,
        upstairs robot, dyson, deebot, sweeper, hoover
        """
    ),
    "todo": _list(
        """
        groceries, packing, chores, hardware store, camping, wedding, to do, gift, birthday, work,
        gardening, renovation, weekend, school, pharmacy, holiday, reading, allotment
        """
    ),
    "input_boolean": _list(
        """
        vacation mode, guest mode, sleep mode, alarm, party mode, siesta mode, away mode,
        quiet hours, holiday lights mode, pet mode, spa mode, focus mode
        """
    ),
    "scene": _list(
        """
        movie night, good morning, bedtime, dinner party, sunset, candlelight, romantic evening,
        reading time, relax, game night, northern lights, campfire, cozy evening, wake up, focus,
        party, stargazing, tropical
        """
    ),
    "button": _list(
        """
        doorbell chime, restart router, pet feeder, garage opener, reset counter, find my keys,
        panic button, reboot camera, test siren, elevator, treat dispenser, snooze
        """
    ),
    "script": _list(
        """
        morning routine, leaving home, coming home, evening routine, laundry reminder, pool party,
        good night routine, wake up routine, cleaning day, pet dinner, spring cleaning,
        storm check
        """
    ),
}
