"""One module per story: ``plant(builder)``, ``assert_numbers(world)`` and ``record(world)``, the record to click."""

from integrations.standins.fernhill.stories import (
    story_01_two_mqls,
    story_02_another_definition,
    story_03_webinar_flood,
    story_04_black_hole,
    story_05_speed_pays,
    story_06_perfect_sdr,
    story_07_leave,
    story_10_two_pipelines,
    story_11_wrong_fit,
    story_12_upstream,
    story_13_recycled_and_won,
    story_14_leaver,
    story_15_partner_channel,
    story_16_small_n,
    story_17_live_lead,
    story_18_sales_disagrees,
)

STORIES = (
    story_01_two_mqls,
    story_02_another_definition,
    story_03_webinar_flood,
    story_04_black_hole,
    story_05_speed_pays,
    story_06_perfect_sdr,
    story_07_leave,
    story_10_two_pipelines,
    story_11_wrong_fit,
    story_12_upstream,
    story_13_recycled_and_won,
    story_14_leaver,
    story_15_partner_channel,
    story_16_small_n,
    story_17_live_lead,
    story_18_sales_disagrees,
)
