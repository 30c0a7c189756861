"""Events from outside: kept before they are acknowledged, handled later, in any order, once."""
