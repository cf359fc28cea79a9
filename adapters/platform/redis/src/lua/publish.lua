-- KEYS: those of the outbox. ARGV: head and payload of each message.

enqueue(KEYS[1], KEYS[2], KEYS[3], KEYS[4], 1)
return 1
