"""plait: one fine-tuned model or several, an encoder or an LLM, and proof of it."""
