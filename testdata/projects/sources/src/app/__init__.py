import colours
import docopt
import greet


def main():
    print(greet.greet("sources"), colours.RED, docopt.__version__)
