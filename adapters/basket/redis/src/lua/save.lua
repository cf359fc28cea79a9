local function change(keys, args)
  return write(keys, args) and 'saved' or 'conflict'
end

