"""What leaves: encoders shared by all peers, and one sender of sound and one of picture for each of them."""
