.PHONY: quickstart quickstart-stop
quickstart:
	@deploy/quickstart.sh

quickstart-stop:
	@deploy/quickstart.sh stop
