module torana

go 1.24
