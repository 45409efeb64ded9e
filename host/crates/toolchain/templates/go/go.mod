module plugins/{{name}}

go 1.24

require torana v0.0.0

replace torana => ./sdk
