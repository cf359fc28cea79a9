return move()
