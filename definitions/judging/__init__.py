"""How records are judged: entries and passages, current judgements one by one and in sets, what is shown of them."""
