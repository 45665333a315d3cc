"""NLG: from an emotion to a Bengali feedback sentence (seed 004 §5.3 and §5.4 stage II)."""
