"""The managers' room: their pages, who may enter, and the JSON API beside them."""
