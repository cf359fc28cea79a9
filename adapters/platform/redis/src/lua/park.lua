-- Moves past a record and puts its dead letter into the outbox.
-- KEYS: those of the move, then those of the outbox. ARGV: those of the move, then head and payload.

if move() == 0 then
  return 0
end
enqueue(KEYS[3], KEYS[4], KEYS[5], KEYS[6], 6)
return 1
