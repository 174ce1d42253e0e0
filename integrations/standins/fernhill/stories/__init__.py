"""One module per story: ``plant(builder)``, ``assert_numbers(world)`` and ``record(world)``, the record to click."""

from integrations.standins.fernhill.stories import (
    story_01_two_mqls,
    story_03_webinar_flood,
    story_04_black_hole,
    story_05_speed_pays,
    story_06_perfect_sdr,
    story_07_leave,
    story_14_leaver,
    story_15_partner_channel,
    story_16_small_n,
    story_17_live_lead,
)

STORIES = (
    story_01_two_mqls,
    story_03_webinar_flood,
    story_04_black_hole,
    story_05_speed_pays,
    story_06_perfect_sdr,
    story_07_leave,
    story_14_leaver,
    story_15_partner_channel,
    story_16_small_n,
    story_17_live_lead,
)
