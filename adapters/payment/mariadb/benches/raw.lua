-- What the payment ports need of the server at least, for sysbench; `payments` is how many there are.

local PAYMENT = "id, user_id, basket_id, basket_version, amount, refunded, currency, status, method, provider, " ..
  "provider_id, description, metadata, step, attempt, token, failure_code, failure_reason, resume_at, due_at, " ..
  "created_at, updated_at, processed_at, expires_at, version"

local statements = {
  find = "SELECT " .. PAYMENT .. " FROM payments WHERE id = ?",
  items = "SELECT payment_id, line, product_id, name, price, quantity, category FROM payment_items " ..
    "WHERE payment_id = ? ORDER BY line",
  update = "UPDATE payments SET resume_at = NOW(6), due_at = NOW(6), updated_at = NOW(6), version = version + 1 " ..
    "WHERE id = ? AND version > 0",
  insert = "INSERT INTO payments (" .. PAYMENT .. ") VALUES (?, 'user-7', UUID(), 3, 3000, 0, 'USD', 'pending', " ..
    "'paypal', 'sandbox', NULL, 'a gift', '{\"order\":\"7\"}', NULL, NULL, NULL, NULL, NULL, NULL, NOW(6), NOW(6), " ..
    "NOW(6), NULL, NOW(6), 1)",
  insert_first = "INSERT INTO payment_items VALUES (?, 0, 1, 'product 1', 1000, 2, 'things')",
  insert_second = "INSERT INTO payment_items VALUES (?, 1, 2, 'product 2', 1000, 1, 'things')",
  count = "UPDATE payment_figures SET payments = payments + 1, amount = amount + 3000 " ..
    "WHERE status = 'pending' AND shard = CONV(RIGHT(?, 1), 16, 10)",
}

local connection
local prepared = {}
local begun = os.time()
local created = 0

function thread_init()
  connection = sysbench.sql.driver():connect()
  for name, text in pairs(statements) do
    local statement = connection:prepare(text)
    local id = statement:bind_create(sysbench.sql.type.CHAR, 36)
    statement:bind_param(id)
    prepared[name] = { statement = statement, id = id }
  end
end

local function run(name, id)
  prepared[name].id:set(id)
  prepared[name].statement:execute()
end

-- The ids that the load gave to its payments: every other of 1, 2, 3 …, in both halves.
local function some()
  local n = 2 * sysbench.rand.uniform(0, payments - 1) + 1
  return string.format("00000000-%04x-%04x-0000-%012x", math.floor(n / 65536), n % 65536, n)
end

function get()
  local id = some()
  run("find", id)
  run("items", id)
end

function take_step()
  local id = some()
  run("find", id)
  run("items", id)
  connection:query("BEGIN")
  run("update", id)
  connection:query("COMMIT")
end

function create()
  created = created + 1
  local id = string.format("%08x-%04x-7000-8000-%012x", begun, sysbench.tid, created)
  connection:query("BEGIN")
  run("insert", id)
  run("insert_first", id)
  run("insert_second", id)
  run("count", id)
  connection:query("COMMIT")
end
